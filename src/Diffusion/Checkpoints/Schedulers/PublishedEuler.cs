using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirks: Euler's method as x + (σ' − σ)·ε̂, rounded as published also where it goes to clean data; and churn that comes after the network was asked. The output for the
/// state without the added noise is decoded with the state that has it, at the raised level or, in one class, at the level before.
/// </summary>
/// <param name="churn">The churn; null for none.</param>
/// <param name="prediction">What the network's output means.</param>
/// <param name="decodeAfter">Whether the output is decoded at the raised level.</param>
internal sealed class PublishedEuler(Churn? churn, Parameterization prediction, bool decodeAfter) : Sampler
{
    /// <summary>The churn of step options; null where there is none.</summary>
    public static Churn? ChurnOf(StepOptions step) => step.Churn is > 0 and var amount
        ? new Churn(amount, step.ChurnMinimum ?? 0, step.ChurnMaximum ?? double.PositiveInfinity, step.NoiseScale ?? 1)
        : null;

    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var (from, sigma) = (step.From, step.From.Sigma);
        var rise = churn?.Rise(sigma, step.Grid.Count) ?? 0;
        var estimate = step.Denoise(x);
        if (rise == 0) return estimate.NoiseAt(x, from).mul(step.To.Sigma - sigma).add_(x);
        var raised = NoiseLevel.Of(1, sigma * (1 + rise));
        var state = new LinearForm { { 1, x }, { sigma * Math.Sqrt(rise * (2 + rise)) * churn!.NoiseScale, step.Noise(x) } };
        // F from the estimate that it was decoded to, then decoded again.
        var (asked, decoded) = (prediction.At(from), prediction.At(decodeAfter ? raised : from));
        var data = new LinearForm
        {
            { decoded.Skip, state },
            { decoded.Out / asked.Out, estimate.Data },
            { -decoded.Out / asked.Out * asked.Skip, x },
        }.Evaluate();
        step.Report(new Estimate(data));
        var slope = new LinearForm { { 1 / raised.Sigma, state }, { -1 / raised.Sigma, data } };
        return new LinearForm { { 1, state }, { step.To.Sigma - raised.Sigma, slope } }.Evaluate();
    }

    protected override Tensor Finish(SamplerStep step, Tensor x) => Step(step, x);
}
