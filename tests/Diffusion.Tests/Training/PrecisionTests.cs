using Diffusion.Data;
using Diffusion.Networks;
using Diffusion.Schedules;
using Diffusion.Tests.Networks;
using Diffusion.Training;
using Xunit;

namespace Diffusion.Tests.Training;

public sealed class PrecisionTests : IDisposable
{
    private static readonly DenoisingObjective Objective = new(new RectifiedFlowSchedule(), Parameterization.Velocity());

    private readonly OneThread _thread = new();

    public void Dispose() => _thread.Dispose();

    private static UNet Network()
    {
        manual_seed(1);
        return new UNet(UNetConfigs.Tiny with { BlockOutChannels = [16, 32], NormNumGroups = 8, AttentionHeadDim = 16 });
    }

    // bfloat16 keeps 8 bits: each product is off by 2^-9 of itself at random, and some ten layers follow one another there and back.
    // Measured 2.0 % over all gradients; 3 % leaves room for other kernels, and single tensors have twice that.
    [Fact]
    public void GradientsInBFloat16AreThoseOfFloat32()
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        var x0 = randn(8, 3, 16, 16);
        var (loss, exact) = Gradients(network, x0);
        var (lossInBFloat16, rounded) = Gradients(network.Computing(ComputePrecision.BFloat16), x0);
        Assert.Equal(1, lossInBFloat16 / loss, 2e-3);
        Assert.NotEqual(loss, lossInBFloat16);

        var difference = exact.Zip(rounded, (e, r) => (e.Value - r.Value).square().sum().item<float>()).Sum();
        var norm = exact.Sum(e => e.Value.square().sum().item<float>());
        Assert.True(Math.Sqrt(difference / norm) < 0.03, $"the gradient is off by {Math.Sqrt(difference / norm):p2}");
        foreach (var (e, r) in exact.Zip(rounded))
        {
            // Biases that the softmax or a normalisation takes out have a gradient of zero but for rounding: 1e-3 of the whole is not looked at.
            var error = (e.Value - r.Value).norm().item<float>();
            Assert.True(error < 0.06 * e.Value.norm().item<float>() + 1e-3 * Math.Sqrt(norm), $"{e.Name}: {error} of {e.Value.norm().item<float>()}");
        }

        (double Loss, List<(string Name, Tensor Value)> Values) Gradients(DenoisingNetwork computing, Tensor data)
        {
            foreach (var parameter in network.parameters()) parameter.grad = null;
            using var noise = NoiseSource.FromSeed(3);
            var terms = Objective.Terms(computing, data, null, noise);
            Assert.Equal(ScalarType.Float32, terms.Loss.dtype);
            terms.Loss.backward();
            Assert.All(network.parameters(), p => Assert.Equal(ScalarType.Float32, p.grad!.dtype));
            return (terms.Loss.item<float>(), [.. network.named_parameters().Select(p => (p.name, p.parameter.grad!.clone()))]);
        }
    }

    // A norm of bfloat16 values by float32 sums: all that is lost is the rounding of the result. Sums of 8,192 squares in bfloat16 would stop growing at 256.
    [Fact]
    public void NormsKeepFloat32Inside()
    {
        using var scope = NewDisposeScope();
        var x = (randn(2, 8, 32, 32) + 3).to(bfloat16);
        var (weight, bias) = (rand(8) + 1, randn(8));
        var given = nn.functional.group_norm(x, 1, weight, bias, 1e-5);
        var exact = nn.functional.group_norm(x.to(float64), 1, weight.to(float64), bias.to(float64), 1e-5);
        Assert.True((given.to(float64) - exact).abs().sub(exact.abs() / 250).max().item<double>() < 1e-3);
    }

    // Adam's first step moves every weight by the rate, whatever its gradient: 1e-5, which a bfloat16 weight near 1 could not even hold.
    [Fact]
    public void WeightsAveragesAndOptimizerStayFloat32()
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        using var data = new TensorDataSet(randn(8, 3, 16, 16));
        using var loader = new DataLoader(data, 8);
        var weight = network.named_parameters().Single(p => p.name == "conv_norm_out.weight").parameter;
        using var run = new TrainingRun(network, Objective, loader, new() { Precision = ComputePrecision.BFloat16, Update = UpdateRule.Adam(1e-5), Steps = 1 });
        run.Train(cancellationToken: TestContext.Current.CancellationToken);
        Assert.True((weight - 1).abs().allclose(full_like(weight, 1e-5f), 0.02, 0)); // 1 ± 1e-5 in float32 is good to 1 %
        Assert.All(network.parameters().Concat(run.Averages[0].Values.Values).Concat(run.Optimizer.State.Values), t => Assert.Equal(ScalarType.Float32, t.dtype));
    }

    [Fact]
    public void TrainingInBFloat16ResumesToTheBitAndLearnsAsFloat32Does()
    {
        using var folder = new TemporaryFolder();
        using var data = PlaneMixture.DataSet(256);
        var (whole, loss) = Train(ComputePrecision.BFloat16, null, 30);
        Train(ComputePrecision.BFloat16, folder.Path, 13);
        var (resumed, _) = Train(ComputePrecision.BFloat16, folder.Path, 30);
        Assert.True(whole.AsSpan().SequenceEqual(resumed));
        var (_, lossInFloat32) = Train(ComputePrecision.Float32, null, 30);
        Assert.Equal(1, loss / lossInFloat32, 0.02);

        (float[] Weights, double Loss) Train(ComputePrecision precision, string? path, int steps)
        {
            using var scope = NewDisposeScope();
            using var loader = new DataLoader(data, 128, new() { Seed = 3 });
            manual_seed(1);
            using var network = new Mlp(2, 32, 2);
            using var run = new TrainingRun(network, Objective, loader, new()
            {
                Precision = precision,
                Update = UpdateRule.AdamW(5e-3),
                Steps = steps,
                CheckpointFolder = path,
                ReportEvery = 30,
            });
            if (path is not null) run.Resume();
            var last = 0.0;
            run.Train(new Keep(p => last = p.Loss), TestContext.Current.CancellationToken);
            return ([.. network.parameters().SelectMany(p => p.data<float>())], last);
        }
    }

    [Fact]
    public void ANetworkOfOnesOwnComputesInBFloat16Too()
    {
        using var scope = NewDisposeScope();
        using var network = DenoisingNetwork.Wrap(new Probe());
        var result = network.Computing(ComputePrecision.BFloat16).call(ones(1, 4), ones(1), null);
        Assert.Equal(ScalarType.Float32, result.dtype);
        // 1 + 2^-9 is the number just beside 1 that bfloat16 does not have.
        Assert.Equal(4, result.sum().item<float>());
        Assert.NotEqual(4, network.call(ones(1, 4), ones(1), null).sum().item<float>());
    }

    [Fact]
    public void ComputingLeavesExactlyItsResultAndNothingSwitchedOn()
    {
        using var network = Network();
        using var scope = NewDisposeScope();
        var computing = network.Computing(ComputePrecision.BFloat16);
        Assert.Empty(computing.parameters());
        var (x, label) = (randn(2, 3, 8, 8), ones(2));
        using (NewDisposeScope()) computing.call(x, label, null);
        var before = LiveTensors.Count();
        using (NewDisposeScope())
        {
            computing.call(x, label, null);
            Assert.Equal(before + 1, Tensor.TotalCount);
        }

        Assert.Throws<ArgumentException>(() => computing.call(x, ones(3), null));
        Assert.False(Autocast.Instance!.IsOn(DeviceType.CPU));
        computing.Dispose();
        Assert.All(network.parameters(), p => Assert.False(p.IsInvalid));
    }

    [Fact]
    public void WhatCannotBeIsRefused()
    {
        using var network = Network();
        Assert.Contains("Float32", Assert.Throws<InvalidOperationException>(() => new BFloat16Network(network, null)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => network.Computing((ComputePrecision)7));
        Assert.Same(network, network.Computing(ComputePrecision.Float32));
        network.to(ScalarType.Float64);
        Assert.Throws<ArgumentException>(() => network.Computing(ComputePrecision.BFloat16));
    }

    private sealed class Keep(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }

    private sealed class Probe : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Linear layer = nn.Linear(4, 4, hasBias: false);

        public Probe() : base(nameof(Probe))
        {
            nn.init.eye_(layer.weight!);
            using (no_grad()) layer.weight!.mul_(1 + 1.0 / 512);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x, Tensor label) => layer.call(x);
    }
}
