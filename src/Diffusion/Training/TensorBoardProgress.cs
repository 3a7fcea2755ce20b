using System.Globalization;

namespace Diffusion.Training;

/// <summary>
/// Writes each report as TensorBoard scalars: <c>tensorboard --logdir FOLDER</c> shows them. A run that resumes writes a further file into the same folder, which begins
/// by telling TensorBoard to drop the steps that are taken again, so that every step appears once.
/// </summary>
/// <remarks>
/// Tags: <c>train/loss</c>, <c>train/gradient_norm</c>, <c>train/learning_rate</c>, <c>train/samples_per_second</c>, <c>train/skipped_steps</c>, and for each part of the time axis
/// <c>loss_by_time/0.1-0.2</c> and, where it is known, <c>floor_by_time/0.1-0.2</c>. Each report reaches the operating system as it is made. Owns its file; for one
/// thread at a time.
/// </remarks>
public sealed class TensorBoardProgress : IProgress<TrainingProgress>, IDisposable
{
    private readonly string _folder;
    private TensorBoardFile? _file; // made with the first report, whose step says what TensorBoard is to drop

    /// <summary>Makes the folder; the file follows with the first report.</summary>
    /// <param name="folder">The folder of the run's event files.</param>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public TensorBoardProgress(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _folder = Directory.CreateDirectory(folder).FullName;
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The report cannot be written.</exception>
    public void Report(TrainingProgress value)
    {
        _file ??= TensorBoardFile.Create(_folder, value.Step);
        List<(string Tag, double Value)> scalars =
        [
            ("train/loss", value.Loss), ("train/gradient_norm", value.GradientNorm), ("train/learning_rate", value.LearningRate),
            ("train/samples_per_second", value.SamplesPerSecond), ("train/skipped_steps", value.Skipped),
        ];
        foreach (var bucket in value.Buckets)
        {
            var part = string.Create(CultureInfo.InvariantCulture, $"{bucket.From:0.###}-{bucket.To:0.###}");
            scalars.Add(($"loss_by_time/{part}", bucket.Loss));
            if (bucket.Floor is { } floor) scalars.Add(($"floor_by_time/{part}", floor));
        }

        _file.WriteScalars(value.Step, scalars);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file?.Dispose();
}
