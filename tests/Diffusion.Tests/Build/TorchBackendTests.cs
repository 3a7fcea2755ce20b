using Xunit;

namespace Diffusion.Tests.Build;

public class TorchBackendTests
{
    [Fact]
    public void WithABackendNothingIsRefused()
    {
        TorchBackend.EnsureLoaded();
        Assert.Equal("name", TorchBackend.Checked("name"));
    }

    [Fact]
    public void WithoutLibtorchThePackagesToAddAreNamed()
    {
        string message = TorchBackend.NotLoaded(libtorchFound: false, null, "linux-x64", "0.107.0").Message;
        Assert.All(["TorchSharp-cpu", "TorchSharp-cuda-linux", "TorchSharp-cuda-windows", "dotnet add package TorchSharp-cpu --version 0.107.0"],
            text => Assert.Contains(text, message, StringComparison.Ordinal));
    }

    [Fact]
    public void ALibraryThatDoesNotLoadIsNotMistakenForAMissingPackage()
    {
        var loaderError = new DllNotFoundException("version `GLIBCXX_3.4.32' not found");
        InvalidOperationException error = TorchBackend.NotLoaded(libtorchFound: true, loaderError, "linux-x64", "0.107.0");
        Assert.Contains(loaderError.Message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Add one of these packages", error.Message, StringComparison.Ordinal);
        Assert.Same(loaderError, error.InnerException);
    }
}
