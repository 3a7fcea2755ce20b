using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public class ConditionalUNetInitTests
{
    [Theory]
    [MemberData(nameof(ConditionalUNetConfigs.Kinds), MemberType = typeof(ConditionalUNetConfigs))]
    public void EveryFreshNetworkHasTheInitialValuesOfPyTorch(string kind)
    {
        // Twice, with memory between that holds anything but ones and zeros: what is not set shows.
        for (var time = 0; time < 2; time++)
        {
            using var scope = NewDisposeScope();
            foreach (var size in new[] { 8, 12, 16 })
                for (var i = 0; i < 300; i++) full(size, float.NaN).Dispose();
            using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
            var table = network.Config is { ClassEmbedType: null, NumClassEmbeds: not null };
            var state = network.state_dict();
            foreach (var (name, parameter) in network.named_parameters()) CheckInitial(name, parameter, state, table);
        }
    }

    private static void CheckInitial(string name, Tensor parameter, Dictionary<string, Tensor> state, bool classTable)
    {
        var layer = name[..name.LastIndexOf('.')];
        if (layer.Contains("norm", StringComparison.Ordinal))
        {
            Assert.True(parameter.eq(name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0).all().item<bool>(), name);
            return;
        }
        if ((classTable && layer == "class_embedding") || layer == "time_proj" || name.EndsWith("positional_embedding", StringComparison.Ordinal))
        {
            // Normal, a 1/width of the variance where it is the offset of pooling: mean square within six standard errors of what it should be.
            var variance = name.EndsWith("positional_embedding", StringComparison.Ordinal) ? 1.0 / parameter.shape[1] : 1;
            var square = parameter.square().mean().item<float>() / variance;
            Assert.InRange(square, 1 - 6 * Math.Sqrt(2.0 / parameter.numel()), 1 + 6 * Math.Sqrt(2.0 / parameter.numel()));
            return;
        }
        // Uniform in ±1/√fan-in.
        var weight = state[layer + ".weight"];
        var bound = 1 / Math.Sqrt(weight.numel() / weight.shape[0]);
        Assert.True(parameter.abs().max().item<float>() <= bound * (1 + 1e-6), name);
        if (parameter.numel() >= 100) Assert.InRange(parameter.std().item<float>() / bound * Math.Sqrt(3), 0.75, 1.25);
    }

    [Fact]
    public void ASeedMakesTheSameNetworkAgain()
    {
        foreach (var kind in ConditionalUNetConfigs.Kinds)
        {
            using var scope = NewDisposeScope();
            manual_seed(7);
            using var a = new ConditionalUNet(ConditionalUNetConfigs.Of(kind.Data));
            manual_seed(7);
            using var b = new ConditionalUNet(ConditionalUNetConfigs.Of(kind.Data));
            var again = b.state_dict();
            foreach (var (name, value) in a.state_dict()) Assert.Equal(value.bytes.ToArray(), again[name].bytes.ToArray());
        }
    }
}
