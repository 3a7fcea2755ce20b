namespace Diffusion.Parity;

/// <summary>The library does not do what a case records.</summary>
internal sealed class UnsupportedException(string message) : Exception(message);
