using Diffusion.Benchmarks.Plain;
using Diffusion.Data;
using Diffusion.Networks;

namespace Diffusion.Benchmarks;

/// <summary>A forward pass, a forward and backward pass, and a whole training step: plain, and by this library.</summary>
public sealed class TrainingCases : IDisposable
{
    private const double Rate = 1e-4;

    private readonly PlainUNet _plain;
    private readonly PlainTraining _plainTraining;
    private readonly UNet _network;
    private readonly TensorDataSet _data;
    private readonly DataLoader _loader;
    private readonly Tensor _x, _t, _alphas, _sigmas;
    private readonly Dictionary<ComputePrecision, SteppedRun> _runs;

    public TrainingCases(BenchmarkOptions options)
    {
        random.manual_seed(1).Dispose();
        using var scope = NewDisposeScope();
        _network = new UNet(options.Config);
        _plain = new PlainUNet(options.Config);
        var weights = _network.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using (no_grad())
            foreach (var (name, parameter) in _plain.named_parameters()) parameter.copy_(weights[name]);
        _network.to(options.Device);
        _plain.to(options.Device);
        _x = randn(options.Batch, 3, 32, 32, device: options.Device).DetachFromDisposeScope();
        _t = randint(0, 1000, [options.Batch], device: options.Device).DetachFromDisposeScope();
        var kept = cumprod(1 - linspace(1e-4, 0.02, 1000, float32, options.Device), 0);
        (_alphas, _sigmas) = (kept.sqrt().DetachFromDisposeScope(), (1 - kept).sqrt().DetachFromDisposeScope());
        _plainTraining = new PlainTraining(_plain.parameters(), Rate);
        _data = new TensorDataSet(randn(1024, 3, 32, 32).clamp(-1, 1));
        _loader = new DataLoader(_data, (int)options.Batch, new DataLoaderOptions { Device = options.Device });
        _runs = Enum.GetValues<ComputePrecision>().ToDictionary(precision => precision, precision => new SteppedRun(_network, _loader, Rate, precision));
        CheckThatBothAgree();
    }

    public long Parameters => _network.parameters().Sum(p => p.numel());

    public void PlainForward()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        _plain.call(_x, _t);
    }

    public void PlainForwardBackward()
    {
        using var scope = NewDisposeScope();
        _plain.zero_grad();
        _plain.call(_x, _t).square().mean().backward();
    }

    public void PlainStep()
    {
        using var scope = NewDisposeScope();
        var batch = _loader.Next();
        _plainTraining.Step(_plain, batch.Data, _alphas, _sigmas);
    }

    public void Forward(ComputePrecision precision)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        _network.Computing(precision).call(_x, _t, null);
    }

    public void ForwardBackward(ComputePrecision precision, bool recompute = false)
    {
        _network.RecomputesActivations = recompute;
        using var scope = NewDisposeScope();
        foreach (var parameter in _network.parameters()) parameter.grad = null;
        _network.Computing(precision).call(_x, _t, null).square().mean().backward();
    }

    public void Step(ComputePrecision precision) => _runs[precision].Step();

    public void Dispose()
    {
        foreach (var run in _runs.Values) run.Dispose();
        _plainTraining.Dispose();
        _plain.Dispose();
        _network.Dispose();
        _loader.Dispose();
        _data.Dispose();
        foreach (var t in (Tensor[])[_x, _t, _alphas, _sigmas]) t.Dispose();
    }

    private void CheckThatBothAgree()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var difference = (_plain.call(_x, _t) - _network.call(_x, _t, null)).abs().max().item<float>();
        if (!(difference < 1e-3)) throw new InvalidOperationException($"The two networks differ by {difference}: they do not do the same work.");
    }
}
