namespace Diffusion.Tests.Laws;

/// <summary>
/// The exact mean and variance that a sampler leaves on Gaussian data, without a random number. There the sampler is affine in the state and
/// in every noise it draws: started at x = ±1 without noise it shows the factor of the state, started at 0 with one unit of one noise the
/// factor of that noise. All of it is one run of one batch.
/// </summary>
internal static class MomentPropagation
{
    /// <summary>Propagates N(mean, variance).</summary>
    /// <param name="sampler">The sampler.</param>
    /// <param name="denoiser">A denoiser that is affine in the state.</param>
    /// <param name="grid">The steps.</param>
    /// <param name="mean">Mean of the start.</param>
    /// <param name="variance">Variance of the start.</param>
    /// <param name="brownian">Whether noises of overlapping parts of the path belong together, as a Brownian source gives them; else each is drawn afresh.</param>
    public static (double Mean, double Variance) Of(Sampler sampler, IDenoiser denoiser, TimeGrid grid, double mean, double variance, bool brownian = false)
    {
        using var scope = NewDisposeScope();
        using var record = new Calls();
        sampler.Sample(denoiser, zeros(1, dtype: float64), grid, record);
        var basis = record.Basis(brownian);
        var sources = basis.Count == 0 ? 0 : basis[0].Length;
        using var impulses = new Impulses(basis);
        var start = zeros(2 + sources, dtype: float64);
        start[0] = 1;
        start[1] = -1;
        var end = sampler.Sample(denoiser, start, grid, impulses).data<double>().ToArray();
        var (slope, offset) = ((end[0] - end[1]) / 2, (end[0] + end[1]) / 2);
        var sum = slope * slope * variance;
        for (var i = 2; i < end.Length; i++) sum += (end[i] - offset) * (end[i] - offset);
        return (slope * mean + offset, sum);
    }

    // Gives zeros and remembers what was asked for.
    private sealed class Calls : NoiseSource
    {
        private readonly List<(double From, double To)?> _calls = [];

        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
        {
            _calls.Add(null);
            return zeros(shape.ToArray(), dtype, device);
        }

        public override Tensor Between(Tensor like, NoiseLevel from, NoiseLevel to)
        {
            // The clock of the path is the signal-to-noise ratio.
            _calls.Add((Math.Exp(from.LogSnr), Math.Exp(to.LogSnr)));
            return zeros_like(like);
        }

        public override double NextDouble() => throw new NotSupportedException();

        // For each call, its factors of independent unit noises.
        public List<double[]> Basis(bool brownian)
        {
            var clock = new SortedSet<double>();
            if (brownian)
                foreach (var call in _calls)
                    if (call is { } c)
                    {
                        clock.Add(c.From);
                        clock.Add(c.To);
                    }

            var ticks = clock.ToArray();
            var increments = Math.Max(0, ticks.Length - 1);
            var alone = _calls.Count(call => !brownian || call is null);
            var (basis, next) = (new List<double[]>(), increments);
            foreach (var call in _calls)
            {
                var row = new double[increments + alone];
                if (!brownian || call is null) row[next++] = 1;
                else
                    for (var i = 0; i < increments; i++)
                        if (ticks[i] >= call.Value.From && ticks[i + 1] <= call.Value.To)
                            row[i] = Math.Sqrt((ticks[i + 1] - ticks[i]) / (call.Value.To - call.Value.From));
                basis.Add(row);
            }

            return basis;
        }
    }

    // Answers call k with the factors of call k, one sample a noise, after the two samples of the state.
    private sealed class Impulses(List<double[]> basis) : NoiseSource
    {
        private int _call;

        public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => tensor((double[])[0, 0, .. basis[_call++]]);

        public override double NextDouble() => throw new NotSupportedException();
    }
}
