using Diffusion.Evaluation;
using Xunit;

namespace Diffusion.Tests.Evaluation;

public class ImageClassifierTests
{
    [Fact]
    public void LearnsBarsThatItHasNotSeen()
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        using var classifier = new ImageClassifier(1, 8, 2);
        var (images, labels) = Bars(200, 1);
        new ClassifierTraining { Epochs = 4, MaxTurn = 10 }.Train(classifier, images, labels);
        var (unseen, truth) = Bars(100, 2);
        Assert.True(classifier.Accuracy(unseen, truth) > 0.97);
        Assert.False(classifier.training);
    }

    [Fact]
    public void ClassifyingLeavesNothingBehind()
    {
        using var scope = NewDisposeScope();
        using var classifier = new ImageClassifier(1, 8, 3);
        var images = zeros(5, 1, 8, 8);
        var before = LiveTensors.Count();
        using (var answer = classifier.Classify(images)) Assert.Equal([5], answer.shape);
        using (var features = classifier.FeaturesOf(images)) Assert.Equal([5, ImageClassifier.Features], features.shape);
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void RefusesImagesOfAnotherSize()
    {
        using var classifier = new ImageClassifier(1, 8, 3);
        using var images = zeros(1, 1, 12, 12);
        Assert.Contains("[N, 1, 8, 8]", Assert.Throws<ArgumentException>(() => classifier.call(images)).Message, StringComparison.Ordinal);
    }

    // Horizontal and vertical bars at random places, with a little noise.
    private static (Tensor Images, Tensor Labels) Bars(int count, int seed)
    {
        var random = new HostRandom(seed);
        var pixels = new float[count * 64];
        var labels = new long[count];
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % 2;
            var place = (int)random.NextInteger(8);
            for (var p = 0; p < 64; p++)
                pixels[i * 64 + p] = ((labels[i] == 0 ? p / 8 : p % 8) == place ? 1 : -1) + 0.2f * (float)random.NextDouble();
        }

        return (tensor(pixels).view(count, 1, 8, 8), tensor(labels));
    }
}
