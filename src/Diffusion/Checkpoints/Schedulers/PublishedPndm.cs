using Diffusion.Samplers;
using Diffusion.Schedules;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirks: PNDM one evaluation a step, mixing the network's raw output and decoding the mixture at the level where a step began. A step goes from t to t − ⌊T/n⌋
/// whatever the spacing, and the inner timesteps are counted from the next timestep of the list, so that levels and labels agree only with leading spacing.
/// </summary>
/// <param name="schedule">The trained schedule.</param>
/// <param name="multistepOnly">Whether there are no Runge–Kutta steps.</param>
/// <param name="predictsV">Whether the output is v rather than the noise.</param>
internal sealed class PublishedPndm(DiscreteSchedule schedule, bool multistepOnly, bool predictsV) : Sampler
{
    private const int RungeKuttaEvaluations = 12;

    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var estimate = step.Denoise(x);
        var noise = estimate.Noise ?? estimate.NoiseAt(x, step.From);
        // v = (ε − σx)/α; what is mixed is the output itself.
        var output = predictsV ? new LinearForm { { 1 / step.From.Alpha, noise }, { -step.From.Sigma / step.From.Alpha, x } }.Evaluate() : noise;
        return multistepOnly || step.Index >= RungeKuttaEvaluations ? Multistep(step, x, output) : RungeKutta(step, x, output);
    }

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);

    private Tensor RungeKutta(SamplerStep step, Tensor x, Tensor output)
    {
        var (stage, carry) = (step.Index % 4, step.Carry);
        if (stage == 0)
        {
            Remember(carry, output);
            (carry["state"], carry["sum"]) = (x, output.mul(1.0 / 6));
        }

        var mean = output;
        if (stage is 1 or 2) carry["sum"] = carry["sum"]!.add(output, alpha: 1.0 / 3);
        if (stage == 3) mean = carry["sum"]!.add(output, alpha: 1.0 / 6);
        return Decoded(carry["state"]!, step.Grid[step.Index / 4 * 4].At.Level, step.To, new LinearForm { { 1, mean } });
    }

    private Tensor Multistep(SamplerStep step, Tensor x, Tensor output)
    {
        var (from, carry) = (step.From, step.Carry);
        if (multistepOnly && step.Index == 1)
        {
            // The first step again, with the mean of its two ends.
            var stride = schedule.TrainingSteps / (step.Grid.Count - 1);
            from = schedule.AtTimestep((int)step.At.Label!.Value + stride);
            return Decoded(carry["state"]!, from, step.To, new LinearForm { { 0.5, output }, { 0.5, carry["1"]! } });
        }

        if (multistepOnly && step.Index == 0) carry["state"] = x;
        Remember(carry, output);
        var known = carry["4"] is not null ? 4 : carry["3"] is not null ? 3 : carry["2"] is not null ? 2 : 1;
        var mean = new LinearForm();
        for (var j = 0; j < known; j++) mean.Add(PndmSampler.Weights(known)[j], carry[Name(j + 1)]!);
        return Decoded(x, from, step.To, mean);
    }

    // "1" is the newest output, "4" the oldest that is needed.
    private static void Remember(StepCarry carry, Tensor output)
    {
        for (var j = 4; j > 1; j--) carry[Name(j)] = carry[Name(j - 1)];
        carry["1"] = output;
    }

    private static string Name(int age) => age switch { 1 => "1", 2 => "2", 3 => "3", _ => "4" };

    private Tensor Decoded(Tensor x, NoiseLevel from, NoiseLevel to, LinearForm mean) => NoiseAxis.Move(x, from, to,
        predictsV ? new LinearForm { { from.Alpha, mean }, { from.Sigma, x } } : mean).Evaluate();
}
