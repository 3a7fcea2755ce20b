namespace Diffusion.Data;

/// <summary>
/// A change applied to each batch that a <see cref="DataLoader"/> reads. Its randomness comes only from the streams it is given, one a
/// sample, which follow from (seed, epoch, index): a sample is changed alike whatever batch, rank or thread it is in.
/// </summary>
/// <remarks>Settings only: immutable and thread-safe. Runs on the loader's background thread.</remarks>
public abstract class DataTransform
{
    /// <summary>The shape of a changed sample.</summary>
    /// <param name="sampleShape">The shape before, without the batch axis.</param>
    /// <exception cref="ArgumentException">Samples of this shape cannot be changed so.</exception>
    public virtual IReadOnlyList<long> OutputShape(IReadOnlyList<long> sampleShape) => sampleShape;

    /// <summary>Changes a batch.</summary>
    /// <param name="data">float32 [batch, …] on the CPU, contiguous; borrowed.</param>
    /// <param name="random">A stream for each sample.</param>
    /// <returns>float32 [batch, <see cref="OutputShape"/>], fresh, in the caller's scope.</returns>
    public abstract Tensor Apply(Tensor data, ReadOnlySpan<RandomStream> random);

    /// <summary>For image transforms: (channels, height, width), or an error that names the transform.</summary>
    /// <param name="sampleShape">The shape of a sample.</param>
    /// <exception cref="ArgumentException">Samples are not [channels, height, width].</exception>
    protected (int Channels, int Height, int Width) ImageShape(IReadOnlyList<long> sampleShape)
    {
        ArgumentNullException.ThrowIfNull(sampleShape);
        if (sampleShape.Count != 3)
            throw new ArgumentException(
                $"{GetType().Name} changes images [channels, height, width]; samples have shape [{string.Join(", ", sampleShape)}].",
                nameof(sampleShape));
        return checked(((int)sampleShape[0], (int)sampleShape[1], (int)sampleShape[2]));
    }

    /// <summary>Checks a batch of images and makes room for the result.</summary>
    private protected Tensor NewImages(Tensor data, ReadOnlySpan<RandomStream> random)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.dtype != ScalarType.Float32 || data.device_type != DeviceType.CPU || !data.is_contiguous() || data.dim() != 4)
            throw new ArgumentException(
                $"data is {data.dtype} of shape [{string.Join(", ", data.shape)}] on {data.device}; "
                + "contiguous Float32 [batch, channels, height, width] on the CPU is needed.", nameof(data));
        if (random.Length != data.shape[0])
            throw new ArgumentException($"There are {random.Length} streams for {data.shape[0]} samples.", nameof(random));
        return empty([data.shape[0], .. OutputShape(data.shape[1..])], float32, CPU);
    }
}
