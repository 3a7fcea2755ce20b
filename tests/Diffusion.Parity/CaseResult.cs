using System.Globalization;

namespace Diffusion.Parity;

/// <summary>What became of one recorded case.</summary>
/// <param name="Name">Its folder and id.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="Deviation">Largest deviation over its tolerance: at most 1 where it passed; NaN where nothing was compared.</param>
/// <param name="Detail">Where the largest deviation is, or what went wrong.</param>
internal sealed record CaseResult(string Name, Verdict Verdict, double Deviation, string Detail)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Name,-56} {(double.IsNaN(Deviation) ? "-" : Deviation.ToString("0.0000", CultureInfo.InvariantCulture)),10}  {Verdict.ToString().ToLowerInvariant()}{(Verdict == Verdict.Passed ? "" : ": " + Detail)}");
}
