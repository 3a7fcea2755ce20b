namespace Mutation;

/// <summary>What a worker is asked: to cover one class, or to try one mutant on the tests that reach it.</summary>
/// <param name="Class">The test class to cover, or null.</param>
/// <param name="Mutant">The mutant to try.</param>
/// <param name="Tests">The tests to try it on, by class, in order.</param>
internal sealed record Request(string? Class, int Mutant, IReadOnlyList<ClassTests>? Tests);

/// <summary>Test cases of one class.</summary>
internal sealed record ClassTests(string Class, HashSet<string> Cases);

/// <summary>What a worker says: first that it begins a test, at last the outcome.</summary>
/// <param name="Test">The test case that begins, or null.</param>
/// <param name="Covered">What covering a class gave, or null.</param>
/// <param name="Killer">The test that failed and how, or null.</param>
internal sealed record Reply(string? Test = null, ClassCoverage? Covered = null, string? Killer = null);

/// <summary>What the tests of a class reach.</summary>
/// <param name="Class">The class.</param>
/// <param name="Library">The mutants of the library's static members, which every test may see.</param>
/// <param name="Shared">The mutants of the class's static members and fixtures, which each of its tests may see.</param>
/// <param name="Tests">Its tests.</param>
internal sealed record ClassCoverage(string Class, IReadOnlyList<int> Library, IReadOnlyList<int> Shared, IReadOnlyList<TestCoverage> Tests);

/// <summary>What a test reaches, and how long it takes, in seconds.</summary>
internal sealed record TestCoverage(string Case, double Seconds, bool Passed, IReadOnlyList<int> Reached);
