namespace Diffusion.Evaluation;

/// <summary>
/// The energy distance of two sets of samples, 2·E‖a − b‖ − E‖a − a′‖ − E‖b − b′‖: of the distributions it is 0 only where they are the same. Unbiased, so that
/// it may come out a little below 0. (Székely and Rizzo 2013)
/// </summary>
public static class EnergyDistance
{
    /// <summary>The distance between two sets of samples of any shape.</summary>
    /// <param name="first">[N, …], floating, N at least 2.</param>
    /// <param name="second">[M, …] of the same shape a sample, M at least 2.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static double Between(Tensor first, Tensor second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (first.dim() < 2 || second.dim() != first.dim() || !first.shape.AsSpan(1).SequenceEqual(second.shape.AsSpan(1)) || first.shape[0] < 2 || second.shape[0] < 2
            || !first.is_floating_point() || !second.is_floating_point() || first.numel() == 0)
            throw new ArgumentException(
                $"first is {first.dtype} [{string.Join(", ", first.shape)}], second {second.dtype} [{string.Join(", ", second.shape)}]; two floating [N, …] of one shape a sample, with at least 2 samples each, are needed.", nameof(second));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var (a, b) = (first.to(float64, CPU).flatten(1), second.to(float64, CPU).flatten(1));
        var (n, m) = (a.shape[0], b.shape[0]);
        // A sample is not compared with itself.
        return 2 * Sum(a, b) / ((double)n * m) - Sum(a, a) / ((double)n * (n - 1)) - Sum(b, b) / ((double)m * (m - 1));
    }

    private static double Sum(Tensor x, Tensor y)
    {
        var sum = 0.0;
        foreach (var rows in x.split(256, 0))
        {
            using var scope = NewDisposeScope();
            sum += cdist(rows, y, compute_mode: compute_mode.donot_use_mm_for_euclid_dist).sum().item<double>();
        }

        return sum;
    }
}
