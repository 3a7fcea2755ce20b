namespace Diffusion.Parity;

/// <summary>One recorded case: a name, and how to replay it.</summary>
/// <param name="Name">Its folder and id.</param>
/// <param name="Check">Replays it and compares; throws <see cref="UnsupportedException"/> where the library does not do it.</param>
internal sealed record RecordedCase(string Name, Action<Comparison> Check)
{
    public CaseResult Run()
    {
        var comparison = new Comparison();
        try
        {
            using var scope = NewDisposeScope();
            Check(comparison);
            if (comparison.Count == 0) return new CaseResult(Name, Verdict.Failed, double.NaN, "nothing was compared");
            return new CaseResult(Name, comparison.Worst <= 1 ? Verdict.Passed : Verdict.Failed, comparison.Worst, comparison.Where);
        }
        catch (UnsupportedException reason)
        {
            return new CaseResult(Name, Verdict.Unsupported, double.NaN, reason.Message);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new CaseResult(Name, Verdict.Failed, double.PositiveInfinity, $"{error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}");
        }
    }
}
