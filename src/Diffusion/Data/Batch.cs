namespace Diffusion.Data;

/// <summary>
/// Some samples of a data set. The tensors belong to the scope in which the batch was made; <see cref="Dispose"/> frees them
/// earlier, or where there is no scope.
/// </summary>
public sealed class Batch : IDisposable
{
    /// <summary>A batch of tensors that exist. They become the batch's to dispose.</summary>
    /// <param name="data">float32 [batch, …].</param>
    /// <param name="labels">int64 [batch] on the same device, or null where the data has no classes.</param>
    /// <exception cref="ArgumentException">The tensors do not fit each other.</exception>
    public Batch(Tensor data, Tensor? labels)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.dim() < 1) throw new ArgumentException("data is a scalar; [batch, …] is needed.", nameof(data));
        if (labels is not null && (labels.dtype != ScalarType.Int64 || labels.dim() != 1 || labels.shape[0] != data.shape[0]))
            throw new ArgumentException(
                $"labels is {labels.dtype} of shape [{string.Join(", ", labels.shape)}]; Int64 [{data.shape[0]}] is needed.", nameof(labels));
        Data = data;
        Labels = labels;
    }

    /// <summary>The samples, float32 [batch, …]; pixels are in [−1, 1].</summary>
    public Tensor Data { get; }

    /// <summary>The class of each sample, int64 [batch], from 0; null where the data has no classes.</summary>
    public Tensor? Labels { get; }

    /// <summary>Number of samples.</summary>
    public long Count => Data.shape[0];

    /// <summary>A copy of the batch on another device, in the caller's scope.</summary>
    /// <param name="device">Where the copy is put.</param>
    /// <param name="nonBlocking">Do not wait for the copy; of use from pinned memory to a GPU only.</param>
    public Batch To(Device device, bool nonBlocking = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        return new Batch(
            Data.to(device, copy: true, non_blocking: nonBlocking),
            Labels?.to(device, copy: true, non_blocking: nonBlocking));
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Data.Dispose();
        Labels?.Dispose();
    }

    internal Batch DetachFromDisposeScope()
    {
        Data.DetachFromDisposeScope();
        Labels?.DetachFromDisposeScope();
        return this;
    }

    /// <summary>Hands tensors that were made on another thread to the scope of this one, if there is one.</summary>
    internal void AttachToCurrentScope()
    {
        if (CurrentDisposeScope is not { } scope) return;
        scope.Attach(Data);
        if (Labels is not null) scope.Attach(Labels);
    }
}
