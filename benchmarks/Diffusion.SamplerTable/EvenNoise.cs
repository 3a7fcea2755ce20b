namespace Diffusion.SamplerTable;

/// <summary>
/// Normal noise that is spread as evenly as can be over many samples of one number each: in the order of their states they get the quantiles at the points of van der Corput's sequence,
/// turned a little at each step. What a run leaves is then its sampler's error, where independent noise of as many samples would show a hundred times the chance. (Array quasi-Monte Carlo:
/// L'Ecuyer, Lécot and Tuffin 2008.) Noises inside a step share one path, as Brownian noise does.
/// </summary>
internal sealed class EvenNoise : NoiseSource
{
    private static readonly int[] _bases = [2, 3, 5]; // independent noises of one step take points of different bases

    private readonly Tensor[] _points; // [count] in [0, 1)
    private Tensor? _path; // of the noise since the step began, in units of the clock
    private double _start = double.NaN;
    private double _end;
    private int _inStep;
    private int _drawn;

    /// <summary>Noise for a number of samples.</summary>
    public EvenNoise(int count) =>
        _points = Array.ConvertAll(_bases, b => tensor(Array.ConvertAll([.. Enumerable.Range(0, count)], i => Reflected(i, b))).DetachFromDisposeScope());

    public override Tensor Between(Tensor like, NoiseLevel from, NoiseLevel to)
    {
        // The clock is the signal-to-noise ratio; a second call from one level goes on where the first ended.
        using var scope = NewDisposeScope();
        var (start, end) = (Math.Exp(from.LogSnr), Math.Exp(to.LogSnr));
        var goesOn = start == _start && end > _end;
        _inStep = goesOn ? _inStep + 1 : 0;
        var path = Fresh(like, _inStep) * Math.Sqrt(end - (goesOn ? _end : start));
        if (goesOn) path += _path!;
        _path?.Dispose();
        (_path, _start, _end) = (path.DetachFromDisposeScope(), start, end);
        return (path / Math.Sqrt(end - start)).MoveToOuterDisposeScope();
    }

    public override Tensor NextLike(Tensor like) => Fresh(like, 0);

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device) => throw new NotSupportedException("Noise is spread over the states of a step.");

    public override double NextDouble() => throw new NotSupportedException("Only noise of states is known.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var points in _points) points.Dispose();
            _path?.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor Fresh(Tensor like, int which)
    {
        using var scope = NewDisposeScope();
        var points = _points[which];
        var turned = (points + (0.5 / points.shape[0] + ++_drawn * 0.6180339887498949 % 1)) % 1;
        var quantiles = (2 * turned - 1).erfinv() * Math.Sqrt(2);
        return zeros_like(points).scatter(0, like.flatten().argsort(), quantiles).view(like.shape).MoveToOuterDisposeScope();
    }

    // The digits of a number mirrored behind the point: van der Corput's sequence.
    private static double Reflected(int number, int numberBase)
    {
        var (value, digit) = (0.0, 1.0);
        for (; number > 0; number /= numberBase) value += number % numberBase * (digit /= numberBase);
        return value;
    }
}
