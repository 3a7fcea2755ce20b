namespace Diffusion.Tests.Laws;

/// <summary>How the steps of a law's run are spaced.</summary>
internal enum Spacing
{
    /// <summary>The ρ = 7 ramp of Karras et al. 2022.</summary>
    Karras,

    /// <summary>Equal steps in log-SNR.</summary>
    LogSnr,

    /// <summary>The same ramp with ρ = 3, which is uniform in the time of no schedule: with uniform steps some errors cancel on a Gaussian.</summary>
    Gentle,

    /// <summary>Equal steps in the angle arctan(σ/α): fine where the noise is large.</summary>
    Angle,
}

/// <summary>The grids of the laws: from σ/α = 80 to 0.002, which every schedule reaches, so that all of them are asked the same question.</summary>
internal static class LawGrids
{
    public const double Most = 80;
    public const double Least = 0.002;

    /// <summary>A number of steps that ends while there is still noise: one level more than steps, and no step to clean data.</summary>
    public static TimeGrid Of(NoiseSchedule schedule, int steps, Spacing spacing = Spacing.Karras, double from = Most, double to = Least)
    {
        var levels = Levels(schedule, steps, spacing, from, to);
        return TimeGrid.FromPoints(schedule, levels.AsSpan(0, steps), levels[steps].Level);
    }

    /// <summary>A number of steps of which the last goes to clean data.</summary>
    public static TimeGrid ToData(NoiseSchedule schedule, int steps, Spacing spacing = Spacing.Karras, double from = Most, double to = Least) =>
        TimeGrid.FromPoints(schedule, Levels(schedule, steps - 1, spacing, from, to));

    private static NoisePoint[] Levels(NoiseSchedule schedule, int steps, Spacing spacing, double from, double to)
    {
        var levels = new NoisePoint[steps + 1];
        for (var i = 0; i <= steps; i++)
        {
            var part = steps == 0 ? 0 : (double)i / steps;
            var sigma = spacing switch
            {
                Spacing.Karras => Ramp(7, part, from, to),
                Spacing.Gentle => Ramp(3, part, from, to),
                Spacing.Angle => Math.Tan(Math.Atan(from) + part * (Math.Atan(to) - Math.Atan(from))),
                _ => from * Math.Pow(to / from, part),
            };
            levels[i] = schedule.AtNoiseToSignal(sigma);
        }

        return levels;
    }

    private static double Ramp(double rho, double part, double from, double to) =>
        Math.Pow(Math.Pow(from, 1 / rho) + part * (Math.Pow(to, 1 / rho) - Math.Pow(from, 1 / rho)), rho);
}
