using Diffusion.Samplers;

namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Quirk: the single-step DPM-Solver with its inner evaluations at the grid's own levels. As many steps of the grid as the order make one step of the method; on the way the states
/// are those of lower order, and with noise each starts again from the block's first state with noise of its own. (Lu et al. 2022a, algorithms 1 and 2, for any r)
/// </summary>
/// <param name="order">1, 2 or 3.</param>
/// <param name="variable">The data or the noise.</param>
/// <param name="eta">η.</param>
/// <param name="form">Midpoint weighs two estimates with ½φ₁, and takes the last of three to lie at ⅔; Heun integrates the polynomial through all.</param>
/// <param name="lowerLast">Whether the grid's last step, where it would complete a step of the method, stands alone with order 1.</param>
/// <param name="quirk">Whether, with noise, the second derivative is taken away once more.</param>
internal sealed class PublishedSinglestep(int order, SolverVariable variable, double eta, SecondOrder form, bool lowerLast, bool quirk) : Sampler
{
    protected internal override int HistoryLength => order - 1;

    protected override Tensor Step(SamplerStep step, Tensor x)
    {
        var now = new ExponentialStep(step.From, step.To, variable, eta).Ask(step, x, order > 1);
        var back = Math.Min(PlaceInBlock(step), step.History.Count);
        var (start, state) = back == 0 ? (step.From, x) : (step.History[back - 1].Level, step.History[back - 1].State);
        var solution = new ExponentialStep(start, step.To, variable, eta);
        var next = solution.Begin(state);
        if (solution.Length != 0) Integrate(solution, next, Block(solution, step, start, now, back));
        if (solution.Deviation > 0) next.Add(solution.Deviation, step.NoiseBetween(x, start, step.To));
        return next.Evaluate();
    }

    // 0 for the first step of a block, order − 1 for the one that completes it.
    private int PlaceInBlock(SamplerStep step) =>
        lowerLast && step.Index == step.Grid.Count - 1 && step.Grid.Count % order == 0 ? 0 : step.Index % order;

    // The estimates of the block, its first one first, at their places in units of the way from its start.
    private static (double Node, LinearForm Model)[] Block(ExponentialStep solution, SamplerStep step, NoiseLevel start, LinearForm now, int back)
    {
        var known = new (double Node, LinearForm Model)[back + 1];
        for (var i = 0; i < back; i++) known[i] = (Place(step.History[back - 1 - i].Level), solution.Model(step.History[back - 1 - i]));
        known[back] = (Place(step.From), now);
        return known;

        double Place(NoiseLevel level) => level.LogSnr == start.LogSnr ? 0 : (level.LogSnr - start.LogSnr) / 2 / solution.Length;
    }

    private void Integrate(ExponentialStep solution, LinearForm next, (double Node, LinearForm Model)[] known)
    {
        if (known.Length == 1 || form == SecondOrder.Heun)
        {
            solution.Integrate(next, known);
            // Quirk: with noise and three estimates the second derivative is taken away once more.
            if (known.Length == 3 && eta > 0 && quirk) AddSecondDerivative(next, known, solution.Factor(1));
            return;
        }

        var slope = (known.Length == 2 ? solution.Phi(1) / 2 : solution.Phi(2)) / known[^1].Node;
        next.Add(solution.Phi(1) - slope, known[0].Model);
        next.Add(slope, known[^1].Model);
    }

    private static void AddSecondDerivative(LinearForm next, (double Node, LinearForm Model)[] known, double factor)
    {
        var (s1, s2) = (known[1].Node, known[2].Node);
        factor *= 2 / (s2 - s1);
        next.Add(factor / s2, known[2].Model);
        next.Add(-factor / s1, known[1].Model);
        next.Add(factor * (1 / s1 - 1 / s2), known[0].Model);
    }
}
