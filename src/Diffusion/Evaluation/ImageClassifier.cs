using TorchSharp.Modules;

namespace Diffusion.Evaluation;

/// <summary>
/// A small convolutional classifier: recognises the classes of small images, and its last hidden layer gives the features in which
/// samples are compared with data. Independent of any diffusion model.
/// </summary>
public sealed class ImageClassifier : nn.Module<Tensor, Tensor>
{
    /// <summary>Width of the feature layer.</summary>
    public const int Features = 128;

    private readonly Sequential body;
    private readonly Linear head;
    private readonly int _channels;
    private readonly int _size;

    /// <summary>A fresh classifier; initial weights come from libtorch's global generator.</summary>
    /// <param name="channels">Colour channels, at least 1.</param>
    /// <param name="size">Height and width, a multiple of 4.</param>
    /// <param name="classes">Number of classes, at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public ImageClassifier(int channels, int size, int classes) : base(nameof(ImageClassifier))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        if (size < 4 || size % 4 != 0) throw new ArgumentOutOfRangeException(nameof(size), size, "The classifier halves twice, so height and width must be a multiple of 4.");
        (_channels, _size, Classes) = (channels, size, classes);
        body = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding: 1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding: 1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding: 1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding: 1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64L * size * size / 16, Features), nn.ReLU());
        head = nn.Linear(Features, classes);
        RegisterComponents();
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Logits of each class.</summary>
    /// <param name="input">Images [N, channels, size, size] in [−1, 1].</param>
    /// <returns>[N, classes].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return head.call(Body(input)).MoveToOuterDisposeScope();
    }

    /// <summary>The class of each image.</summary>
    /// <inheritdoc cref="forward" path="/param"/>
    /// <returns>int64 [N] on the CPU.</returns>
    public Tensor Classify(Tensor input) => InBatches(input, images => call(images).argmax(1));

    /// <summary>The features of each image.</summary>
    /// <inheritdoc cref="forward" path="/param"/>
    /// <returns>[N, <see cref="Features"/>] on the CPU.</returns>
    public Tensor FeaturesOf(Tensor input) => InBatches(input, Body);

    /// <summary>The fraction of images that are recognised as their label.</summary>
    /// <param name="input">Images [N, channels, size, size] in [−1, 1].</param>
    /// <param name="labels">int64 [N] on the CPU.</param>
    public double Accuracy(Tensor input, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        using var scope = NewDisposeScope();
        return (Classify(input) == labels).to(float64).mean().item<double>();
    }

    private Tensor Body(Tensor images)
    {
        CheckImages(images);
        return body.call(images);
    }

    private void CheckImages(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() != 4 || images.shape[1] != _channels || images.shape[2] != _size || images.shape[3] != _size)
            throw new ArgumentException($"The images have shape [{string.Join(", ", images.shape)}]; [N, {_channels}, {_size}, {_size}] is needed.", nameof(images));
    }

    private Tensor InBatches(Tensor input, Func<Tensor, Tensor> answer)
    {
        CheckImages(input);
        var wasTraining = training;
        eval();
        try
        {
            using var gradients = no_grad();
            using var scope = NewDisposeScope();
            return cat(input.split(256, 0).Select(images => answer(images).cpu()).ToArray(), 0).MoveToOuterDisposeScope();
        }
        finally
        {
            train(wasTraining);
        }
    }
}
