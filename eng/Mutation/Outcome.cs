namespace Mutation;

/// <summary>What became of a mutant.</summary>
/// <param name="Key">The mutant.</param>
/// <param name="Fate">Killed, survived or not covered.</param>
/// <param name="By">The test that killed it and how.</param>
internal sealed record Outcome(string Key, Fate Fate, string? By);

/// <summary>The ends of a mutant.</summary>
internal enum Fate
{
    /// <summary>A test failed, hung or died.</summary>
    Killed,

    /// <summary>Every test passed.</summary>
    Survived,

    /// <summary>No test reaches it.</summary>
    NotCovered,
}
