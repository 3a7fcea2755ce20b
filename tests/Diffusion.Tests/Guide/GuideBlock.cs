namespace Diffusion.Tests.Guide;

/// <summary>One piece of C# of a page, with what the page's comments say of it.</summary>
internal sealed class GuideBlock
{
    /// <summary>The page, named from the root of the repository.</summary>
    public required string Page { get; init; }

    /// <summary>The line of the page on which the code begins, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>The code, with the replacements of the page's comment.</summary>
    public required string Code { get; init; }

    /// <summary>Why the block is compiled but not run; null where it runs.</summary>
    public string? WhyNotRun { get; init; }

    /// <summary>Whether it is one that readers see.</summary>
    public bool Shown { get; init; } = true;

    /// <summary>What the page says that the block prints; null where it says nothing.</summary>
    public string? Output { get; set; }
}
