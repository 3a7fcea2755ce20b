namespace Diffusion.Denoisers;

/// <summary>Between data and the velocity u = α̇x̂₀ + σ̇ε̂ at a level whose slopes are known.</summary>
internal static class VelocityUnit
{
    /// <summary>x̂₀ = (σ̇x − σu)/(σ̇α − σα̇).</summary>
    public static Tensor ToData(Tensor x, NoiseLevel level, Tensor velocity)
    {
        var wronskian = Wronskian(level);
        return Estimate.Combine(level.SigmaDot / wronskian, x, -level.Sigma / wronskian, velocity);
    }

    /// <summary>The data that a state at rest stands for: u = 0.</summary>
    public static Tensor AtRest(Tensor x, NoiseLevel level) => x.mul(level.SigmaDot / Wronskian(level));

    private static double Wronskian(NoiseLevel level)
    {
        var wronskian = level.SigmaDot * level.Alpha - level.Sigma * level.AlphaDot;
        return double.IsFinite(wronskian) && wronskian != 0
            ? wronskian
            : throw new InvalidOperationException($"The velocity is undefined at α = {level.Alpha:g6}, σ = {level.Sigma:g6} with slopes {level.AlphaDot:g6} and {level.SigmaDot:g6}; take a level of a schedule away from its ends.");
    }
}
