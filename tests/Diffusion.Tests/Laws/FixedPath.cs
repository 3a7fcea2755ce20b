namespace Diffusion.Tests.Laws;

/// <summary>
/// One Brownian path for runs of every number of steps, with the signal-to-noise ratio as its clock, known at equal steps of log-SNR. Between two of
/// these it gives the increment over the root of the time that passed.
/// </summary>
internal sealed class FixedPath : NoiseSource
{
    private readonly int _ticks;
    private readonly Tensor _path; // [ticks + 1, samples]

    public FixedPath(int ticks, int samples, long seed)
    {
        _ticks = ticks;
        using var scope = NewDisposeScope();
        using var noise = FromSeed(seed);
        var deviations = new double[ticks];
        for (var i = 0; i < ticks; i++) deviations[i] = Math.Sqrt(Clock(i + 1) - Clock(i));
        var increments = noise.Next([ticks, samples], ScalarType.Float64, CPU) * tensor(deviations).unsqueeze(1);
        _path = cat([zeros(1, samples, dtype: float64), increments.cumsum(0)], 0).DetachFromDisposeScope();
    }

    public override Tensor Between(Tensor like, NoiseLevel from, NoiseLevel to)
    {
        using var scope = NewDisposeScope();
        var (i, j) = (Tick(from), Tick(to));
        return (_path[j] - _path[i]).div(Math.Sqrt(Clock(j) - Clock(i))).view(like.shape).MoveToOuterDisposeScope();
    }

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => throw new NotSupportedException("Only noise of the path is known.");

    public override double NextDouble() => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _path.Dispose();
        base.Dispose(disposing);
    }

    private double Clock(int tick) => Math.Pow(LawGrids.Most * Math.Pow(LawGrids.Least / LawGrids.Most, (double)tick / _ticks), -2);

    private int Tick(NoiseLevel level)
    {
        var place = Math.Log(level.NoiseToSignal / LawGrids.Most) / Math.Log(LawGrids.Least / LawGrids.Most) * _ticks;
        var tick = (int)Math.Round(place);
        return Math.Abs(place - tick) < 1e-6 ? tick : throw new InvalidOperationException($"The path is not known at σ/α = {level.NoiseToSignal}.");
    }
}
