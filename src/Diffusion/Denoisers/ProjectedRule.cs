namespace Diffusion.Denoisers;

/// <summary>Adaptive projected guidance. The one that remembers is the rule of a run.</summary>
internal sealed class ProjectedRule(double scale, double parallel, double largestNorm, double momentum, bool remembers = false) : GuidanceRule, IDisposable
{
    private Tensor? _average; // of a run; owned

    public override double Scale => scale;

    public override bool NeedsUnconditional => scale != 1;

    public override GuidanceRule BeginRun() => momentum == 0 ? this : new ProjectedRule(scale, parallel, largestNorm, momentum, remembers: true);

    public override Estimate Combine(Tensor x, NoiseLevel level, Estimate conditional, Estimate unconditional)
    {
        CheckGiven(x, conditional, unconditional);
        var data = conditional.Data;
        var difference = Averaged(data.sub(unconditional.Data));
        var (flat, direction) = (difference.flatten(1), data.flatten(1));
        var axis = new[] { 1L };
        // Every factor is one number a sample: the tensors of the data's size are read once.
        var size = direction.square().sum(axis);
        var along = where(size.eq(0), zeros_like(size), flat.mul(direction).sum(axis).div(size));
        var shrink = double.IsInfinity(largestNorm) ? null : flat.square().sum(axis).sqrt().clamp_min(largestNorm).reciprocal().mul(largestNorm);
        if (shrink is not null) along = along.mul(shrink);
        // D_c + (w − 1)(Δ + (η − 1)Δ∥)
        var ofData = along.mul((scale - 1) * (parallel - 1)).add(1);
        var guided = data.mul(PerSample(ofData, data));
        guided = shrink is null ? guided.add(difference, alpha: scale - 1) : guided.add(difference.mul(PerSample(shrink.mul(scale - 1), data)));
        return new Estimate(guided, null, conditional.VarianceOutput);
    }

    public void Dispose()
    {
        _average?.Dispose();
        _average = null;
    }

    // m ← Δ + β·m; outside a run there is no earlier step.
    private Tensor Averaged(Tensor difference)
    {
        if (!remembers) return difference;
        if (_average is not null && !_average.shape.AsSpan().SequenceEqual(difference.shape))
            throw new InvalidOperationException($"The state's shape changed within a run, from [{string.Join(", ", _average.shape)}] to [{string.Join(", ", difference.shape)}].");
        var average = _average is null ? difference : difference.add(_average, alpha: momentum);
        var kept = average.alias().DetachFromDisposeScope();
        _average?.Dispose();
        _average = kept;
        return average;
    }
}
