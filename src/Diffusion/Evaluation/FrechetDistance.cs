namespace Diffusion.Evaluation;

/// <summary>
/// The Fréchet distance between the Gaussians of two sets of features: ‖m₁ − m₂‖² + tr(C₁ + C₂ − 2(C₁C₂)^½). (Dowson and Landau 1982; Heusel et al.
/// 2017, who take features of an Inception network)
/// </summary>
/// <remarks>Biased upward with few samples, by about c/N: compare only figures of equal N, and beside that of real data.</remarks>
public static class FrechetDistance
{
    /// <summary>The distance between two sets of features.</summary>
    /// <param name="first">[N, D], floating, N at least 2.</param>
    /// <param name="second">[M, D], floating, M at least 2.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static double Between(Tensor first, Tensor second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        CheckFeatures(first, nameof(first));
        CheckFeatures(second, nameof(second));
        if (first.shape[1] != second.shape[1])
            throw new ArgumentException($"The first set has {first.shape[1]} features, the second {second.shape[1]}.", nameof(second));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var (m1, c1) = Moments(first);
        var (m2, c2) = Moments(second);
        var root = SquareRoot(c1);
        // tr (C₁C₂)^½ is the sum of the roots of the eigenvalues of the symmetric C₁^½·C₂·C₁^½.
        var cross = linalg.eigvalsh(root.mm(c2).mm(root)).clamp_min(0).sqrt().sum();
        return ((m1 - m2).square().sum() + c1.trace() + c2.trace() - cross * 2).item<double>();
    }

    private static (Tensor Mean, Tensor Covariance) Moments(Tensor features)
    {
        var values = features.to(float64, CPU);
        var mean = values.mean([0]);
        var centred = values - mean;
        return (mean, centred.t().mm(centred) / (values.shape[0] - 1));
    }

    private static Tensor SquareRoot(Tensor symmetric)
    {
        var (values, vectors) = linalg.eigh(symmetric);
        return (vectors * values.clamp_min(0).sqrt()).mm(vectors.t());
    }

    private static void CheckFeatures(Tensor features, string name)
    {
        if (features.dim() != 2 || features.shape[0] < 2 || !features.is_floating_point())
            throw new ArgumentException($"{name} is {features.dtype} of shape [{string.Join(", ", features.shape)}]; floating [N, D] with at least 2 rows is needed.", name);
    }
}
