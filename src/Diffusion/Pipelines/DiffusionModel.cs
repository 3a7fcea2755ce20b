using System.Runtime.InteropServices;
using Diffusion.Checkpoints;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Samplers;

namespace Diffusion.Pipelines;

/// <summary>
/// A trained network with all that is needed to sample it: the three-line way in. Owns the network; may be shared between threads once loaded.
/// </summary>
public sealed class DiffusionModel : IDisposable
{
    /// <summary>Steps of <see cref="Sample(int, long?, long?, int, double?, Sampler?, SamplingHooks?, int, CancellationToken)"/> where none are given.</summary>
    public const int DefaultSteps = 50;

    /// <summary>Guidance scale of <see cref="Sample(int, long?, long?, int, double?, Sampler?, SamplingHooks?, int, CancellationToken)"/> where a class is asked for and none is given.</summary>
    public const double DefaultGuidance = 3;

    /// <summary>A model of its parts.</summary>
    /// <param name="network">The network; this model disposes of it and puts it into evaluation mode.</param>
    /// <param name="description">What the network was trained for.</param>
    public DiffusionModel(DenoisingNetwork network, ModelDescription description)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(description);
        Network = network;
        Description = description;
        network.eval();
    }

    /// <summary>The network.</summary>
    public DenoisingNetwork Network { get; }

    /// <summary>What the network was trained for.</summary>
    public ModelDescription Description { get; }

    /// <summary>Number of classes; 0 for an unconditional model.</summary>
    public int Classes => Description.ClassNames.Count;

    /// <summary>Loads the model folder of a U-Net, conditional or not: model.json, config.json and the weights.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the network is put; the CPU by default.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or does not fit; the message names the file and the fault.</exception>
    public static DiffusionModel Load(string folder, Device? device = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        TorchBackend.EnsureLoaded();
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder}: there is no such folder; a model folder with {ModelDescription.FileName} is needed.");
        var description = ModelDescription.Read(Path.Combine(folder, ModelDescription.FileName));
        return new DiffusionModel(NetworkFolder.LoadAny(folder, device), description);
    }

    /// <summary>Writes the model folder. Each file is written whole or not at all, the description last.</summary>
    /// <param name="folder">The folder; made if it does not exist.</param>
    /// <exception cref="NotSupportedException">The network is not a U-Net, or the schedule is not one of the library's own.</exception>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Action<string> save = Network switch
        {
            UNet network => network.Save,
            ConditionalUNet network => network.Save,
            _ => throw new NotSupportedException($"{Network.GetType().Name} has no configuration file, so a folder could not be loaded again. Save its weights with SafetensorsFile and build it in code."),
        };
        Directory.CreateDirectory(folder);
        save(folder);
        Description.Write(Path.Combine(folder, ModelDescription.FileName));
    }

    /// <summary>The model as a denoiser, guided where a condition and a scale are given, clipped to the range of the data.</summary>
    /// <param name="condition">The condition of the batch; null for none.</param>
    /// <param name="guidance">w of classifier-free guidance; 1 is no guidance.</param>
    public IDenoiser Bind(Conditioning? condition = null, double guidance = 1)
    {
        IDenoiser denoiser = condition is null || guidance == 1
            ? new NetworkDenoiser(Network, Description.Schedule, Description.Parameterization, condition)
            : ClassifierFreeGuidance.Batched(Network, Description.Schedule, Description.Parameterization, condition, guidance);
        return Description.DataRange is { } range ? new ClampedDenoiser(denoiser, range) : denoiser;
    }

    /// <summary>Draws samples.</summary>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="label">The class of all of them; null for samples without a class.</param>
    /// <param name="seed">Sample k depends on (seed, k) alone, not on the batch; random if null.</param>
    /// <param name="steps">Steps of the sampler, at least 1.</param>
    /// <param name="guidance">w of classifier-free guidance; <see cref="DefaultGuidance"/> where a class is asked for and the model knows "no class", else 1.</param>
    /// <param name="sampler">The sampler; deterministic DDIM if null.</param>
    /// <param name="hooks">What to do between steps of each batch.</param>
    /// <param name="batchSize">How many are drawn at once, at least 1: a bound on memory.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>[count, …] in the range of the data, a fresh tensor on the CPU in the caller's scope.</returns>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory.</exception>
    /// <exception cref="ArgumentException">The label does not exist, or guidance is asked of a model that cannot drop its condition.</exception>
    public Tensor Sample(int count, long? label = null, long? seed = null, int steps = DefaultSteps, double? guidance = null, Sampler? sampler = null,
        SamplingHooks? hooks = null, int batchSize = 64, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (label is null) return Sample((ReadOnlySpan<long>)[], count, seed, steps, guidance, sampler, hooks, batchSize, cancellationToken);
        var labels = new long[count];
        Array.Fill(labels, label.Value);
        return Sample(labels, count, seed, steps, guidance, sampler, hooks, batchSize, cancellationToken);
    }

    /// <summary>Draws one sample a label.</summary>
    /// <param name="labels">The class of each sample; at least one.</param>
    /// <param name="seed">Sample k depends on (seed, k) alone, not on the batch; random if null.</param>
    /// <param name="steps">Steps of the sampler, at least 1.</param>
    /// <param name="guidance">w of classifier-free guidance; <see cref="DefaultGuidance"/> if null and the model knows "no class", else 1.</param>
    /// <param name="sampler">The sampler; deterministic DDIM if null.</param>
    /// <param name="hooks">What to do between steps of each batch.</param>
    /// <param name="batchSize">How many are drawn at once, at least 1: a bound on memory.</param>
    /// <param name="cancellationToken">Looked at before every step.</param>
    /// <returns>[labels, …] in the range of the data, a fresh tensor on the CPU in the caller's scope.</returns>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough memory.</exception>
    /// <exception cref="ArgumentException">A label does not exist, or guidance is asked of a model that cannot drop its condition.</exception>
    public Tensor Sample(ReadOnlySpan<long> labels, long? seed = null, int steps = DefaultSteps, double? guidance = null, Sampler? sampler = null,
        SamplingHooks? hooks = null, int batchSize = 64, CancellationToken cancellationToken = default)
    {
        if (labels.IsEmpty) throw new ArgumentException("No label was given; one a sample is needed.", nameof(labels));
        return Sample(labels, labels.Length, seed, steps, guidance, sampler, hooks, batchSize, cancellationToken);
    }

    /// <summary>Frees the network.</summary>
    public void Dispose() => Network.Dispose();

    private Tensor Sample(ReadOnlySpan<long> labels, int count, long? seed, int steps, double? guidance, Sampler? sampler, SamplingHooks? hooks, int batchSize, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        CheckLabels(labels, guidance);
        var scale = guidance ?? (labels.IsEmpty || Description.NullClass is null ? 1 : DefaultGuidance);
        var run = seed ?? Random.Shared.NextInt64();
        sampler ??= new DdimSampler();
        var grid = TimeGrid.Uniform(Description.Schedule, steps);

        using var scope = NewDisposeScope();
        var device = Network.parameters().FirstOrDefault()?.device ?? CPU;
        var batches = new List<Tensor>();
        try
        {
            for (var first = 0; first < count; first += batchSize)
            {
                using var batch = NewDisposeScope();
                var size = Math.Min(batchSize, count - first);
                using var noise = NoiseSource.PerSample([.. Enumerable.Range(first, size).Select(k => HostRandom.Derive(run, k))]);
                var condition = labels.IsEmpty ? NoClass(size, device) : Conditioning.ForClasses(labels.Slice(first, size), Description.NullClass, device);
                var start = Description.Schedule.DrawPrior([size, .. Description.SampleShape], noise, device: device);
                var samples = sampler.Sample(Bind(condition, scale), start, grid, noise, hooks, cancellationToken);
                batches.Add(samples.cpu().MoveToOuterDisposeScope());
            }

            return cat(batches, 0).MoveToOuterDisposeScope();
        }
        catch (ExternalException error) when (DeviceOutOfMemoryException.Of(error) is { } memory)
        {
            throw memory;
        }
    }

    // A class-conditional network without a class is asked with the label that stands for none.
    private Conditioning? NoClass(int count, Device device)
    {
        if (Classes == 0) return null;
        if (Description.NullClass is not { } none) throw new ArgumentException($"This model needs a class: one of {Classes} (it was never trained without one).");
        var labels = new long[count];
        Array.Fill(labels, none);
        return Conditioning.ForClasses(labels, none, device);
    }

    private void CheckLabels(ReadOnlySpan<long> labels, double? guidance)
    {
        if (guidance is { } w && !double.IsFinite(w)) throw new ArgumentOutOfRangeException(nameof(guidance), w, "The guidance scale must be finite.");
        if (labels.IsEmpty && guidance is not (null or 1)) throw new ArgumentException($"Guidance {guidance} was asked for without a class to guide towards.", nameof(guidance));
        if (!labels.IsEmpty && Classes == 0) throw new ArgumentException("A class was asked for, but this model is unconditional.", nameof(labels));
        foreach (var label in labels)
            if (label < 0 || label >= Classes)
                throw new ArgumentOutOfRangeException(nameof(labels), label, $"This model has the classes 0 … {Classes - 1}: {string.Join(", ", Description.ClassNames)}.");
        if (guidance is not (null or 1) && Description.NullClass is null)
            throw new ArgumentException("Guidance needs a model that was also trained with its condition dropped (NullClass); this one was not.", nameof(guidance));
    }
}
