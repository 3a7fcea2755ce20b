namespace Diffusion.Data;

/// <summary>Where a <see cref="DataLoader"/> stands: the batch that it returns next. Two numbers to store for an exact resume.</summary>
/// <param name="Epoch">How many times the whole set was passed, from 0.</param>
/// <param name="Batch">Batch of the epoch, from 0.</param>
public readonly record struct LoaderPosition(long Epoch, long Batch);
