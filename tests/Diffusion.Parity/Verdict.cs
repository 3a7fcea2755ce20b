namespace Diffusion.Parity;

internal enum Verdict
{
    Passed,
    Failed,

    /// <summary>The library does not do this (yet).</summary>
    Unsupported,
}
