using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class UNetInitTests
{
    [Fact]
    public void EveryFreshNetworkHasTheDocumentedInitialValues()
    {
        foreach (var kind in new[] { "skip", "table", "learned", "scale-shift" })
        {
            var config = UNetTests.Config(kind);
            // Twice, with memory between that holds anything but ones and zeros: what is not set shows.
            for (var time = 0; time < 2; time++)
            {
                using var scope = NewDisposeScope();
                for (var i = 0; i < 500; i++) full(config.BlockOutChannels[0], float.NaN).Dispose();
                using var network = new UNet(config);
                foreach (var (name, parameter) in network.named_parameters()) CheckInitial(name, parameter, network);
            }
        }
    }

    private static void CheckInitial(string name, Tensor parameter, UNet network)
    {
        var layer = name[..name.LastIndexOf('.')];
        if (layer.Contains("norm", StringComparison.Ordinal))
        {
            Assert.True(parameter.eq(name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0).all().item<bool>(), name);
            return;
        }
        if (layer is "class_embedding" or "time_proj")
        {
            // Standard normal, times 16 for Fourier frequencies: mean square within six standard errors of what it should be.
            var scale = parameter.dim() == 1 ? 16.0 : 1.0;
            var square = parameter.div(scale).square().mean().item<float>();
            Assert.InRange(square, 1 - 6 * Math.Sqrt(2.0 / parameter.numel()), 1 + 6 * Math.Sqrt(2.0 / parameter.numel()));
            return;
        }
        // Uniform in ±1/√fan-in.
        var weight = network.state_dict()[layer + ".weight"];
        var bound = 1 / Math.Sqrt(weight.numel() / weight.shape[0]);
        Assert.True(parameter.abs().max().item<float>() <= bound * (1 + 1e-6), name);
        if (parameter.numel() >= 100) Assert.InRange(parameter.std().item<float>() / bound * Math.Sqrt(3), 0.75, 1.25);
    }

    [Fact]
    public void ASeedMakesTheNetworkOfDiffusers()
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        using var network = new UNet(UNetConfigs.Tiny);
        var state = network.state_dict();
        AssertClose([-.0014408f, .1032386f, -.1583951f, -.1416315f], state["conv_in.weight"].flatten().slice(0, 0, 4, 1), 1e-6);
        AssertClose([-.0106039f, .0288954f, -.0788141f, .1141956f], state["conv_in.bias"], 1e-6);

        // The noise that this network, drawn in the order of diffusers, sees in the noise of a generator with seed 0.
        var x = randn([1, 3, 8, 8], generator: new Generator(0));
        var eps = network.call(x, tensor(new[] { 500f }), null).flatten();
        AssertClose([.458036f, .371171f, .277411f], eps.slice(0, 0, 3, 1), 2e-6);
        AssertClose([-.521207f, -.535301f, -.333009f], eps.slice(0, eps.shape[0] - 3, eps.shape[0], 1), 2e-6);
    }

    [Fact]
    public void ASeedMakesTheSameNetworkAgain()
    {
        foreach (var kind in UNetTests.Kinds)
        {
            using var scope = NewDisposeScope();
            manual_seed(7);
            using var a = new UNet(UNetTests.Config(kind.Data));
            manual_seed(7);
            using var b = new UNet(UNetTests.Config(kind.Data));
            foreach (var (name, value) in a.state_dict()) Assert.Equal(value.bytes.ToArray(), b.state_dict()[name].bytes.ToArray());
        }
    }

    [Fact]
    public void AZeroInitialisedNetworkReturnsZeroAndLearns()
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(UNetConfigs.Tiny, zeroInit: true);
        var (x, label, _) = UNetTests.Inputs(network.Config, 2);
        var result = network.call(x, label, null);
        Assert.Equal(0f, result.abs().max().item<float>());
        var zeroed = network.named_parameters().Where(p => p.parameter.eq(0).all().item<bool>()).Select(p => p.name).ToList();
        Assert.Contains("conv_out.weight", zeroed);
        Assert.All(network.named_parameters().Select(p => p.name), name => Assert.Equal(
            name.StartsWith("conv_out.", StringComparison.Ordinal) || name.Contains(".conv2.", StringComparison.Ordinal)
            || name.Contains(".to_out.0.", StringComparison.Ordinal)
            || (name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("bias", StringComparison.Ordinal)),
            zeroed.Contains(name)));

        (result - x).square().mean().backward();
        Assert.True(network.named_parameters().Single(p => p.name == "conv_out.weight").parameter.grad!.abs().sum().item<float>() > 0);
    }

    private static void AssertClose(float[] expected, Tensor given, double tolerance)
    {
        var values = given.contiguous().data<float>().ToArray();
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], values[i], tolerance);
    }
}
