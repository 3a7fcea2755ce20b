namespace Diffusion.Pipelines;

/// <summary>Interpolation along the great circle: what lies between two noises has the length of a noise, which what lies on the straight line has not. (Shoemake 1985; White 2016)</summary>
public static class SphericalInterpolation
{
    /// <summary>sin((1 − f)θ)/sin θ·a + sin(fθ)/sin θ·b with θ the angle between the two, sample by sample; the straight line where they are parallel.</summary>
    /// <param name="a">[batch, …], floating; borrowed.</param>
    /// <param name="b">Of the shape of a; borrowed.</param>
    /// <param name="fraction">f: 0 is a, 1 is b; finite.</param>
    /// <returns>Fresh, of the shape of a.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, type or device, or are no batch.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fraction"/> is not finite.</exception>
    public static Tensor Between(Tensor a, Tensor b, double fraction)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.dim() < 2 || !a.is_floating_point() || a.dtype != b.dtype || !a.shape.AsSpan().SequenceEqual(b.shape))
            throw new ArgumentException($"The ends are {a.dtype} [{string.Join(", ", a.shape)}] and {b.dtype} [{string.Join(", ", b.shape)}]; two floating batches of one shape are needed.", nameof(b));
        if (a.device_type != b.device_type) throw new ArgumentException($"The ends are on {a.device} and {b.device}; one device is needed.", nameof(b));
        if (!double.IsFinite(fraction)) throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "The fraction must be finite.");
        if (fraction == 0) return a.clone();
        if (fraction == 1) return b.clone();
        using var scope = NewDisposeScope();
        var (flatA, flatB) = (a.flatten(1).to(float64), b.flatten(1).to(float64));
        var cosine = (flatA * flatB).sum([1L]) / (flatA.square().sum([1L]) * flatB.square().sum([1L])).sqrt();
        var angle = cosine.clamp(-1, 1).acos();
        var sine = angle.sin();
        var straight = sine.lt(1e-6).logical_or(sine.isnan()); // parallel, or one is zero
        var (first, second) = (full_like(sine, 1 - fraction), full_like(sine, fraction));
        Tensor Factor(Tensor line, double share) => where(straight, line, (angle * share).sin() / sine).to(a.dtype).view([a.shape[0], .. Enumerable.Repeat(1L, (int)a.dim() - 1)]);
        return (a * Factor(first, 1 - fraction)).addcmul_(b, Factor(second, fraction), 1).MoveToOuterDisposeScope();
    }
}
