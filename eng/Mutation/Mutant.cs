namespace Mutation;

/// <summary>One change of one place.</summary>
/// <param name="Id">Its number in the mutated library.</param>
/// <param name="File">The file, from the library's folder.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Code">The line's text, which names the place when line numbers have moved.</param>
/// <param name="Change">What was changed into what; with its number where a line's text holds several such places.</param>
internal sealed record Mutant(int Id, string File, int Line, string Code, string Change)
{
    /// <summary>What names the mutant from one run to the next.</summary>
    public string Key => $"{File}|{Code}|{Change}";
}
