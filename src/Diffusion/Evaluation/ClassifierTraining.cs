namespace Diffusion.Evaluation;

/// <summary>Trains an <see cref="ImageClassifier"/> on images in memory, with small random shifts, turns and scalings of each.</summary>
public sealed class ClassifierTraining
{
    /// <summary>Passes over the images, at least 1.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Images a step, at least 1.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Highest learning rate of the one cycle.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Largest turn in degrees; 0 for none.</summary>
    public double MaxTurn { get; init; } = 12;

    /// <summary>Largest shift as a fraction of the image; 0 for none.</summary>
    public double MaxShift { get; init; } = 0.08;

    /// <summary>Largest change of size as a fraction; 0 for none.</summary>
    public double MaxScaling { get; init; } = 0.1;

    /// <summary>Decides the order and the changes of the images.</summary>
    public long Seed { get; init; }

    /// <summary>Trains in place and leaves the classifier in evaluation mode.</summary>
    /// <param name="classifier">The classifier.</param>
    /// <param name="images">[N, channels, size, size] in [−1, 1] on the classifier's device.</param>
    /// <param name="labels">int64 [N] on the same device.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <exception cref="ArgumentException">There are not as many labels as images.</exception>
    public void Train(ImageClassifier classifier, Tensor images, Tensor labels, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        if (images.dim() != 4 || labels.dim() != 1 || labels.shape[0] != images.shape[0])
            throw new ArgumentException($"Images of shape [{string.Join(", ", images.shape)}] and labels of shape [{string.Join(", ", labels.shape)}] do not fit: [N, channels, size, size] and [N] are needed.", nameof(labels));
        classifier.train();
        var random = new HostRandom(Seed);
        var count = (int)images.shape[0];
        var stepsAnEpoch = (count + BatchSize - 1) / BatchSize;
        using var optimizer = optim.AdamW(classifier.parameters(), LearningRate, weight_decay: 1e-2);
        var order = Enumerable.Range(0, count).Select(i => (long)i).ToArray();
        for (var step = 0; step < Epochs * stepsAnEpoch; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (step % stepsAnEpoch == 0) Shuffle(order, random);
            var progress = (double)step / (Epochs * stepsAnEpoch);
            foreach (var group in optimizer.ParamGroups) group.LearningRate = LearningRate * Math.Min(progress / 0.1, (1 - progress) / 0.9);
            using var scope = NewDisposeScope();
            var first = step % stepsAnEpoch * BatchSize;
            var chosen = tensor(order.AsSpan(first, Math.Min(BatchSize, count - first)).ToArray(), int64, images.device);
            var batch = Change(images.index_select(0, chosen), random);
            var loss = nn.functional.cross_entropy(classifier.call(batch), labels.index_select(0, chosen), label_smoothing: 0.05);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        classifier.eval();
    }

    private static void Shuffle(long[] order, HostRandom random)
    {
        for (var i = order.Length - 1; i > 0; i--)
        {
            var j = random.NextInteger(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
    }

    private Tensor Change(Tensor images, HostRandom random)
    {
        if (MaxTurn == 0 && MaxShift == 0 && MaxScaling == 0) return images;
        double Within(double limit) => (2 * random.NextDouble() - 1) * limit;
        var count = (int)images.shape[0];
        var maps = new float[count, 2, 3];
        for (var i = 0; i < count; i++)
        {
            var (angle, scale) = (Within(MaxTurn) * Math.PI / 180, 1 + Within(MaxScaling));
            (maps[i, 0, 0], maps[i, 0, 1]) = ((float)(Math.Cos(angle) / scale), (float)(-Math.Sin(angle) / scale));
            (maps[i, 1, 0], maps[i, 1, 1]) = ((float)(Math.Sin(angle) / scale), (float)(Math.Cos(angle) / scale));
            (maps[i, 0, 2], maps[i, 1, 2]) = ((float)Within(2 * MaxShift), (float)Within(2 * MaxShift));
        }

        var grid = nn.functional.affine_grid(tensor(maps, float32, images.device), images.shape, false);
        return nn.functional.grid_sample(images, grid, padding_mode: GridSamplePaddingMode.Border, align_corners: false);
    }
}
