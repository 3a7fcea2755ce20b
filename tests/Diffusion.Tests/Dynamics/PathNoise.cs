namespace Diffusion.Tests.Dynamics;

/// <summary>One Brownian path for every number of steps: coarse increments are sums of fine ones.</summary>
internal sealed class PathNoise : NoiseSource
{
    private readonly Tensor _fine; // [fine steps, paths]
    private readonly long _each; // fine steps a coarse one
    private int _next;

    public PathNoise(Tensor fine, int steps)
    {
        _fine = fine;
        _each = fine.shape[0] / steps;
    }

    public override Tensor Next(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        var from = _each * _next++;
        return _fine.narrow(0, from, _each).sum([0L]).div(Math.Sqrt(_each)).view(shape.ToArray()).MoveToOuterDisposeScope();
    }

    public override double NextDouble() => throw new NotSupportedException();
}
