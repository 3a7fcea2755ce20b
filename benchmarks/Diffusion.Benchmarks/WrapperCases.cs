using System.Globalization;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Operators;
using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Benchmarks;

/// <summary>
/// What the wrappers of a denoiser cost beside their arithmetic: each around a denoiser that does nothing, next to the same tensor operations issued bare; and each
/// wrapper's whole cost as a part of one evaluation of the 9 million U-Net at the same batch, which is derived, not timed end to end.
/// </summary>
public static class WrapperCases
{
    private const int Calls = 200;
    private const double Scale = 3;

    public static void Run(BenchmarkOptions options)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        using var noise = NoiseSource.FromSeed(0);
        var both = options with { Only = null }; // a case is a wrapper here, always beside its bare operations
        var device = options.Device;
        using var network = new UNet(options.Config).to(device);
        var x = noise.Next([options.Batch, 3, 32, 32], ScalarType.Float32, device);
        var label = full(options.Batch, 500f, device: device);
        network.eval();
        var evaluation = Interleaved.Run("one evaluation", both, ("U-Net", () => network.call(x, label, null)))[0];
        var worst = (Ratio: 0.0, Share: 0.0);
        foreach (var (name, wrapped, bare) in Cases(x, noise))
        {
            if (options.Only is { } only && only != name) continue;
            var medians = Interleaved.Run(name, both, ("bare", () => Repeat(bare)), ("wrapper", () => Repeat(wrapped)));
            var (ratio, share) = (medians[1] / medians[0], medians[1] / Calls / evaluation);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | ratio {ratio:f2} | {1000 * medians[1] / Calls:f1} µs a call | {share:p2} of an evaluation |"));
            worst = (Math.Max(worst.Ratio, ratio), Math.Max(worst.Share, share));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| all | at most {worst.Ratio:f2} times the bare operations | at most {worst.Share:p2} of an evaluation |"));
    }

    private static void Repeat(Action work)
    {
        for (var i = 0; i < Calls; i++)
        {
            using var scope = NewDisposeScope();
            work();
        }
    }

    private static IEnumerable<(string Name, Action Wrapped, Action Bare)> Cases(Tensor x, NoiseSource noise)
    {
        var schedule = new VariancePreservingSchedule();
        NoisePoint at = schedule.At(0.5);
        var (alpha, sigma) = (at.Level.Alpha, at.Level.Sigma);
        var other = noise.NextLike(x);
        IDenoiser identity = new Fixed(schedule, null), second = new Fixed(schedule, other);
        (string, Action, Action) Case(string name, IDenoiser wrapper, Func<Tensor> bare) => (name, () => wrapper.Denoise(x, at), () => bare());
        Tensor PerSample(Tensor t) => t.view(-1, 1, 1, 1);

        yield return Case("classifier-free", new ClassifierFreeGuidance(identity, second, Scale), () => x.mul(Scale).add_(other, alpha: 1 - Scale));
        yield return Case("rescaled", new ClassifierFreeGuidance(identity, second, GuidanceRule.Rescaled(Scale)), () =>
        {
            var guided = x.mul(Scale).add_(other, alpha: 1 - Scale);
            return guided.mul(PerSample(x.flatten(1).std(1).div(guided.flatten(1).std(1)).mul(0.7).add(0.3)));
        });
        yield return Case("projected", new ClassifierFreeGuidance(identity, second, GuidanceRule.Projected(Scale, 0, 10)), () =>
        {
            var difference = x.sub(other);
            var (flat, direction) = (difference.flatten(1), x.flatten(1));
            var along = flat.mul(direction).sum([1L]).div(direction.square().sum([1L]));
            var shrink = flat.square().sum([1L]).sqrt().clamp_min(10).reciprocal().mul(10);
            return x.mul(PerSample(along.mul(shrink).mul(1 - Scale).add(1))).add(difference.mul(PerSample(shrink.mul(Scale - 1))));
        });
        yield return Case("CFG++", new ClassifierFreeGuidance(identity, second, GuidanceRule.PlusPlus(0.6)), () =>
        {
            x.mul(-alpha / sigma).add_(other, alpha: 1 / sigma);
            return x.mul(0.6).add_(other, alpha: 0.4);
        });
        yield return Case("CFG-Zero*", new ClassifierFreeGuidance(identity, second, GuidanceRule.OptimizedScale(Scale)), () =>
        {
            var (c, u) = (x.mul(0.3).add_(x, alpha: 0.4), other.mul(0.3).add_(x, alpha: 0.4));
            var (flatC, flatU) = (c.flatten(1), u.flatten(1));
            var fit = flatC.mul(flatU).sum([1L]).div(flatU.square().sum([1L]));
            var velocity = c.mul(Scale).add(u.mul(PerSample(fit.mul(1 - Scale))));
            return x.mul(0.5).add_(velocity, alpha: 0.5);
        });
        yield return Case("composed of two", new ComposedGuidance(identity, new WeightedCondition(second, 2), new WeightedCondition(second, 1.5)), () => x.mul(-2.5).add_(other, alpha: 2).add_(other, alpha: 1.5));
        yield return Case("clamped", new ClampedDenoiser(identity), () => x.clamp(-1, 1));
        yield return Case("dynamic threshold", new DynamicThreshold(identity), () =>
        {
            var size = x.abs().flatten(1);
            var position = 0.995 * (size.shape[1] - 1);
            var (largest, _) = size.topk((int)(size.shape[1] - Math.Floor(position)), 1);
            var threshold = PerSample(largest.select(1, largest.shape[1] - 1).lerp(largest.select(1, largest.shape[1] - 2), position - Math.Floor(position)).clamp_min(1));
            return x.minimum(threshold).maximum(threshold.neg()).div(threshold);
        });
        yield return Case("loss at the state", new LossGuidance(identity, (state, _) => state.square().flatten(1).sum([1L]), 1, LossArgument.State), () => x.add(Gradient(x, leaf => leaf.square().flatten(1).sum([1L])), alpha: -1));
        yield return Case("loss at the estimate", new LossGuidance(identity, (data, _) => data.square().flatten(1).sum([1L])), () => x.add(Gradient(x, leaf => leaf.square().flatten(1).sum([1L])), alpha: -1));

        var known = other.gt(0);
        yield return Case("DDNM, mask", new NullSpaceDenoiser(identity, new MaskOperator(known), other), () => where(known, other, x));
        var down = new DownsamplingOperator(2);
        var small = down.Apply(other).DetachFromDisposeScope();
        Tensor Mean(Tensor t) => t.reshape(t.shape[0], 3, 16, 2, 16, 2).mean([3, 5]);
        Tensor Spread(Tensor t) => t.view(t.shape[0], 3, 16, 1, 16, 1).expand(t.shape[0], 3, 16, 2, 16, 2).reshape(t.shape[0], 3, 32, 32);
        yield return Case("DDNM, twofold", new NullSpaceDenoiser(identity, down, small), () => x.add(Spread(small.sub(Mean(x)))));
        yield return Case("ΠGDM, twofold", new PseudoInverseGuidance(identity, down, small, 0.1), () =>
        {
            using var enabled = enable_grad();
            var leaf = x.detach().requires_grad_();
            var data = leaf.alias();
            var weight = Spread(small.sub(Mean(data.detach()))).mul(0.25).mul(2);
            return x.add(autograd.grad([data], [leaf], [weight])[0], alpha: 0.5);
        });
        var grid = TimeGrid.Uniform(schedule, 10);
        var replacement = new ReplacementSampler(new DdimSampler(), other, known);
        yield return ("replacement, 10 steps", () => replacement.Sample(identity, x, grid, noise), () =>
        {
            var state = x;
            foreach (var (from, to) in grid)
            {
                var ratio = to.Sigma / from.Level.Sigma;
                var next = to.IsClean ? state : state.mul(to.Alpha - ratio * from.Level.Alpha).add_(state, alpha: ratio);
                state = where(known, to.IsClean ? other : other.mul(to.Alpha).add(noise.NextLike(x), alpha: to.Sigma), next);
            }
        }
        );
    }

    private static Tensor Gradient(Tensor x, Func<Tensor, Tensor> loss)
    {
        using var enabled = enable_grad();
        var leaf = x.detach().requires_grad_();
        return autograd.grad([loss(leaf).sum()], [leaf])[0];
    }

    private sealed class Fixed(NoiseSchedule schedule, Tensor? answer) : IDenoiser
    {
        public NoiseSchedule Schedule => schedule;

        public Estimate Denoise(Tensor x, NoisePoint at) => new((answer ?? x).alias());
    }
}
