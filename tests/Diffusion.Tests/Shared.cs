using Xunit;

namespace Diffusion.Tests;

/// <summary>
/// Recorded reference data, which lies beside the repository in ../shared where it is at hand. Tests that need it are skipped where it is not.
/// </summary>
internal static class Shared
{
    /// <summary>The full path of a file or folder under ../shared, for example "golden/models"; skips the test if it is not there.</summary>
    public static string Require(string path)
    {
        string full = Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", path));

        // The continuous build looks for the first words of this message.
        Assert.SkipUnless(Path.Exists(full), $"shared reference data not found: {full}");
        return full;
    }
}
