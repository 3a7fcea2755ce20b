using Diffusion.Checkpoints;
using Diffusion.Training;
using TorchSharp.Modules;
using Xunit;

namespace Diffusion.Tests.Training;

public class WeightOptimizerTests
{
    private static UpdateRule Rule(string name) => name switch
    {
        "adam" => UpdateRule.Adam(1e-2),
        "adamw" => UpdateRule.AdamW(1e-2, 1e-2, 0.95, 0.999, 1e-8, (_, _) => true),
        _ => UpdateRule.Sgd(0.05, 0.9),
    };

    // Ten steps of PyTorch with clip_grad_norm_(0.5), and an average of decay 0.9 beside them.
    [Theory]
    [InlineData("adam", true)]
    [InlineData("adamw", true)]
    [InlineData("sgdm", true)]
    [InlineData("adam", false)]
    [InlineData("adamw", false)]
    [InlineData("sgdm", false)]
    public void TenStepsAreThoseOfPyTorch(string name, bool fused)
    {
        using var file = SafetensorsFile.Open(Path.Combine(Shared.Require("golden/rng"), "data.safetensors"));
        using var scope = NewDisposeScope();
        using var network = nn.Sequential(("0", nn.Linear(4, 8)), ("1", nn.SiLU()), ("2", nn.Linear(8, 2)));
        using (no_grad())
            foreach (var (key, parameter) in network.named_parameters()) parameter.copy_(file.Read($"s0.opt.init.{key}"));
        var (x, y) = (file.Read("s0.opt.X"), file.Read("s0.opt.Y"));
        var losses = file.Read($"s0.opt.{name}.losses").data<float>().ToArray();
        var kernels = fused ? TensorKernels.Best : TensorKernels.Loop;
        using var optimizer = new WeightOptimizer(WeightOptimizer.Trainable(network), Rule(name), 0.5, kernels);
        using var average = new AveragedWeights(network, AveragingRule.Constant(0.9), kernels);
        foreach (var expected in losses)
        {
            optimizer.ZeroGradients();
            using var loss = nn.functional.mse_loss(network.forward(x), y);
            Assert.Equal(expected, loss.item<float>(), 1e-6f);
            loss.backward();
            optimizer.Step();
            average.Update();
        }

        foreach (var (key, parameter) in network.named_parameters())
        {
            Assert.True(parameter.allclose(file.Read($"s0.opt.{name}.final.{key}"), 1e-6, 1e-6), key);
            Assert.True(average.Values[key].allclose(file.Read($"s0.opt.{name}.ema.{key}"), 1e-6, 1e-6), key);
        }
    }

    [Fact]
    public void NumbersOfAnUpdateSurviveGarbageCollection()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var over = new CancellationTokenSource();
        var collecting = new Thread(() =>
        {
            while (!over.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collecting.Start();
        try
        {
            var (target, source) = (zeros(1), ones(1));
            for (var i = 0; i < 20_000; i++)
            {
                target.zero_();
                TensorKernels.Best.Lerp([target], [source], 0.375);
                Assert.Equal(0.375f, target.item<float>());
            }
        }
        finally
        {
            over.Cancel();
            collecting.Join();
        }
    }

    [Fact]
    public void FusedKernelsAreAtHandHere() => Assert.IsType<FusedKernels>(TensorKernels.Best);

    // Both kinds of kernels against TorchSharp's own optimizers, in double precision.
    [Theory]
    [InlineData("adam", true)]
    [InlineData("adamw", true)]
    [InlineData("sgd", true)]
    [InlineData("nesterov", true)]
    [InlineData("adam", false)]
    [InlineData("adamw", false)]
    [InlineData("sgd", false)]
    [InlineData("nesterov", false)]
    public void StepsAreThoseOfTorchSharp(string name, bool fused)
    {
        using var scope = NewDisposeScope();
        using var mine = new OneTensor(arange(1, 7, ScalarType.Float64));
        using var theirs = new OneTensor(arange(1, 7, ScalarType.Float64));
        var rule = name switch
        {
            "adam" => UpdateRule.Adam(0.01, 0.1, 0.8, 0.95, 1e-6, (_, _) => true),
            "adamw" => UpdateRule.AdamW(0.01, 0.1, 0.8, 0.95, 1e-6, (_, _) => true),
            "sgd" => UpdateRule.Sgd(0.01, 0.9, 0.1, false, (_, _) => true),
            _ => UpdateRule.Sgd(0.01, 0.9, 0.1, true, (_, _) => true),
        };
        using optim.Optimizer reference = name switch
        {
            "adam" => optim.Adam(theirs.parameters(), 0.01, 0.8, 0.95, 1e-6, 0.1),
            "adamw" => optim.AdamW(theirs.parameters(), 0.01, 0.8, 0.95, 1e-6, 0.1),
            "sgd" => optim.SGD(theirs.parameters(), 0.01, 0.9, 0, 0.1, false),
            _ => optim.SGD(theirs.parameters(), 0.01, 0.9, 0, 0.1, true),
        };
        using var optimizer = new WeightOptimizer(WeightOptimizer.Trainable(mine), rule, null, fused ? TensorKernels.Best : TensorKernels.Loop);
        for (var i = 0; i < 20; i++)
        {
            optimizer.ZeroGradients();
            theirs.zero_grad();
            mine.w.sin().sum().backward();
            theirs.w.sin().sum().backward();
            optimizer.Step();
            reference.step();
        }

        Assert.True(mine.w.allclose(theirs.w, 1e-12, 1e-12));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ClippingIsThatOfPyTorch(bool fused)
    {
        using var scope = NewDisposeScope();
        using var network = nn.Linear(3, 2);
        using var optimizer = new WeightOptimizer(WeightOptimizer.Trainable(network), UpdateRule.Sgd(1), 0.25, fused ? TensorKernels.Best : TensorKernels.Loop);
        var before = network.parameters().Select(p => p.clone()).ToArray();
        (network.forward(ones(4, 3)).square().sum() * 100).backward();
        var gradients = network.parameters().Select(p => p.grad!.clone()).ToArray();
        var norm = Math.Sqrt(gradients.Sum(g => g.square().sum().item<float>()));
        optimizer.Step();
        Assert.Equal(norm, optimizer.GradientNorm.item<float>(), 1e-5 * norm);
        foreach (var (parameter, start, gradient) in network.parameters().Zip(before, gradients))
            Assert.True((start - parameter).allclose(gradient * (0.25 / (norm + 1e-6)), 1e-5, 1e-7));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SmallGradientsAreNotClipped(bool fused)
    {
        using var scope = NewDisposeScope();
        using var one = new OneTensor(ones(2));
        using var optimizer = new WeightOptimizer(WeightOptimizer.Trainable(one), UpdateRule.Sgd(0.5), 10, fused ? TensorKernels.Best : TensorKernels.Loop);
        one.w.sum().backward();
        optimizer.Step();
        Assert.True(one.w.IsExactly(full(2, 0.5f)));
    }

    // One not-a-number in one gradient of many: no weight, no state and no count may move.
    [Theory]
    [InlineData("adam", true)]
    [InlineData("adamw", true)]
    [InlineData("sgdm", true)]
    [InlineData("adam", false)]
    [InlineData("adamw", false)]
    [InlineData("sgdm", false)]
    public void AStepThatIsNotFiniteChangesNothing(string name, bool fused)
    {
        using var scope = NewDisposeScope();
        using var network = nn.Linear(3, 2);
        using var optimizer = new WeightOptimizer(WeightOptimizer.Trainable(network), Rule(name), 1, fused ? TensorKernels.Best : TensorKernels.Loop);
        network.forward(ones(4, 3)).sum().backward();
        optimizer.Step();
        var weights = network.parameters().Select(p => p.clone()).ToArray();
        var state = optimizer.State.ToDictionary(s => s.Key, s => s.Value.clone());
        optimizer.ZeroGradients();
        (network.forward(ones(4, 3)).sum() * double.NaN).backward();
        optimizer.Step();
        Assert.False(float.IsFinite(optimizer.GradientNorm.item<float>()));
        foreach (var (parameter, kept) in network.parameters().Zip(weights)) Assert.True(parameter.IsExactly(kept));
        foreach (var (key, value) in optimizer.State) Assert.True(value.IsExactly(state[key]), key);
    }

    [Fact]
    public void WeightDecaySkipsNormsAndBiases()
    {
        using var scope = NewDisposeScope();
        using var network = nn.Sequential(("linear", nn.Linear(3, 3)), ("norm", nn.LayerNorm(3)));
        var before = network.named_parameters().ToDictionary(p => p.name, p => p.parameter.clone());
        using var optimizer = new WeightOptimizer(network, UpdateRule.AdamW(0.1, weightDecay: 0.5));
        (network.forward(ones(2, 3)).sum() * 0).backward(); // gradients of 0: only decay moves anything
        optimizer.Step();
        foreach (var (name, parameter) in network.named_parameters())
        {
            var factor = name == "linear.weight" ? 0.95 : 1;
            Assert.True(parameter.allclose(before[name] * factor, 1e-6, 0), name);
        }
    }

    [Fact]
    public void ParametersWithoutGradientKeepStillAndFrozenOnesAreLeftOut()
    {
        using var scope = NewDisposeScope();
        using var network = nn.Sequential(("a", nn.Linear(2, 2)), ("b", nn.Linear(2, 2)), ("c", nn.Linear(2, 2)));
        var (a, b, c) = ((Linear)network[0], (Linear)network[1], (Linear)network[2]);
        foreach (var p in c.parameters()) p.requires_grad = false;
        using var optimizer = new WeightOptimizer(network, UpdateRule.AdamW(0.1));
        Assert.Equal(1 + 4 * 2, optimizer.State.Count);
        var (before, kept) = (a.weight!.clone(), b.weight!.clone());
        a.forward(ones(1, 2)).sum().backward();
        optimizer.Step();
        Assert.True(b.weight.IsExactly(kept));
        Assert.False(a.weight.IsExactly(before));
        Assert.Equal([1f, 1f, 0f, 0f], optimizer.State["steps"].data<float>().ToArray());
        // Later b takes its first step, with the bias correction of a first step: the rate itself, whatever the gradient's size.
        b.forward(full([1, 2], 3f)).sum().backward();
        optimizer.Step();
        Assert.True((kept * 0.999 - b.weight).allclose(full([2, 2], 0.1f), 1e-4, 1e-5));
    }

    // Two half batches whose losses are halved add up to the gradient of the whole.
    [Fact]
    public void AccumulatedGradientsAreThoseOfTheLargeBatch()
    {
        using var scope = NewDisposeScope();
        using var network = nn.Sequential(("0", nn.Linear(4, 16)), ("1", nn.SiLU()), ("2", nn.Linear(16, 4)));
        var x = randn(8, 4);
        network.forward(x).square().mean().backward();
        var whole = network.parameters().Select(p => p.grad!.clone()).ToArray();
        network.zero_grad();
        foreach (var half in x.chunk(2)) (network.forward(half).square().mean() / 2).backward();
        foreach (var (p, g) in network.parameters().Zip(whole)) Assert.True(p.grad!.allclose(g, 1e-6, 1e-6));
    }

    [Fact]
    public void StepsLeaveNoTensorBehind()
    {
        using var network = nn.Linear(3, 2);
        var none = LiveTensors.Count();
        using (var optimizer = new WeightOptimizer(network, UpdateRule.AdamW()))
        {
            long held = 0;
            for (var i = 0; i < 4; i++)
            {
                using (NewDisposeScope())
                {
                    optimizer.ZeroGradients();
                    network.forward(ones(4, 3)).sum().backward();
                    optimizer.Step();
                }

                if (i == 0) held = LiveTensors.Count();
            }

            Assert.Equal(held, Tensor.TotalCount);
            optimizer.ZeroGradients();
        }

        Assert.Equal(none, LiveTensors.Count());
    }

    [Fact]
    public void RejectsWhatItCannotTrain()
    {
        using var scope = NewDisposeScope();
        using var none = nn.SiLU();
        Assert.Throws<ArgumentException>(() => new WeightOptimizer(none, UpdateRule.Adam()));
        using var half = new OneTensor(ones(2, ScalarType.BFloat16));
        Assert.Contains("BFloat16", Assert.Throws<ArgumentException>(() => new WeightOptimizer(half, UpdateRule.Adam())).Message, StringComparison.Ordinal);
        using var one = new OneTensor(ones(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightOptimizer(one, UpdateRule.Adam(), 0));
        using var optimizer = new WeightOptimizer(one, UpdateRule.Adam());
        Assert.Throws<InvalidOperationException>(() => optimizer.Step());
        Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.Step(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => UpdateRule.AdamW(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => UpdateRule.AdamW(beta2: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => UpdateRule.Adam(epsilon: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => UpdateRule.Sgd(momentum: -0.1));
        Assert.Throws<ArgumentException>(() => UpdateRule.Sgd(nesterov: true));
    }
}
