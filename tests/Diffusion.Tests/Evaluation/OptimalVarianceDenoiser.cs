using Diffusion.Denoisers;

namespace Diffusion.Tests.Evaluation;

/// <summary>
/// The exact denoiser of N(0, deviation²) that also answers with the best variance of the step it begins, v = β(ᾱ_s·s² + 1 − ᾱ_s)/(ᾱ_t·s² + 1 − ᾱ_t): its logarithm, or its place in the range
/// between the logarithms of small and large variance. The logarithm may be shifted from the best.
/// </summary>
internal sealed class OptimalVarianceDenoiser(TimeGrid grid, double deviation, bool range, double shift = 0) : IDenoiser
{
    private readonly GaussianDenoiser _exact = new(grid.Schedule, 0, deviation);

    public NoiseSchedule Schedule => grid.Schedule;

    public Estimate Denoise(Tensor x, NoisePoint at)
    {
        var index = Enumerable.Range(0, grid.Count).First(i => grid[i].At.Level == at.Level);
        var (from, to) = (grid[index].At.Level, grid[index].To);
        double Power(NoiseLevel level) => level.Alpha * level.Alpha * deviation * deviation + level.Sigma * level.Sigma;
        var beta = 1 - from.Alpha * from.Alpha / (to.Alpha * to.Alpha);
        var best = beta * Power(to) / Power(from);
        var small = beta * to.Sigma * to.Sigma / (from.Sigma * from.Sigma);
        if (to.IsClean) small = new Transition(grid[index - 1].At.Level, from).PosteriorVariance; // the published lower end
        var output = range ? 2 * (Math.Log(best) - Math.Log(small)) / (Math.Log(beta) - Math.Log(small)) - 1 : Math.Log(best) + shift;
        return new Estimate(_exact.Denoise(x, at).Data, varianceOutput: full_like(x, output));
    }
}
