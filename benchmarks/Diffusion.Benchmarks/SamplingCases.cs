using Diffusion.Benchmarks.Plain;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Benchmarks;

/// <summary>Fifty DDIM steps: by a loop over the plain network, and by this library.</summary>
public sealed class SamplingCases : IDisposable
{
    private const int Steps = 50;

    private readonly UNet _network;
    private readonly PlainUNet _plain;
    private readonly DiscreteSchedule _schedule = new(BetaSchedule.Linear());
    private readonly Tensor _start;

    public SamplingCases(BenchmarkOptions options)
    {
        using var scope = NewDisposeScope();
        (_network, _plain) = (new UNet(options.Config), new PlainUNet(options.Config));
        _network.to(options.Device);
        _plain.to(options.Device);
        _network.eval();
        _plain.eval();
        _start = randn(options.Batch, 3, 32, 32, device: options.Device).DetachFromDisposeScope();
    }

    public void Plain()
    {
        using var gradients = no_grad();
        var x = _start.clone();
        for (var i = Steps - 1; i >= 0; i--)
        {
            using var scope = NewDisposeScope();
            var (at, before) = (_schedule.AlphaBar(i * 20), i == 0 ? 1.0 : _schedule.AlphaBar((i - 1) * 20));
            var noise = _plain.call(x, full([x.shape[0]], i * 20, int64, x.device));
            var data = (x - noise * Math.Sqrt(1 - at)) / Math.Sqrt(at);
            var next = data * Math.Sqrt(before) + noise * Math.Sqrt(1 - before);
            x.Dispose();
            x = next.MoveToOuterDisposeScope();
        }
    }

    public void Sample(ComputePrecision precision)
    {
        var denoiser = new NetworkDenoiser(_network.Computing(precision), _schedule, Parameterization.Epsilon());
        using var noise = NoiseSource.FromSeed(0);
        using var _ = new DdimSampler().Sample(denoiser, _start, TimeGrid.Uniform(_schedule, Steps), noise);
    }

    public void Dispose()
    {
        _network.Dispose();
        _plain.Dispose();
        _start.Dispose();
    }
}
