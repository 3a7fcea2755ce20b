using Diffusion.Networks;
using TorchSharp.Modules;
using Xunit;

namespace Diffusion.Tests.Networks;

public class PixelAttentionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void ItIsTheFormulaWithItsGradients(long heads)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        const long Channels = 12, Height = 3, Width = 5;
        Linear[] layers = [.. Enumerable.Range(0, 4).Select(_ => nn.Linear(Channels, Channels, dtype: float64))];
        var x = randn(2, Channels, Height, Width, float64);
        var direction = randn(2, Channels, Height, Width, float64);
        var (ours, oursBy) = WithGradients(x, direction, layers, t => PixelAttention.Apply(t, layers[0], layers[1], layers[2], layers[3], heads));
        var (formula, formulaBy) = WithGradients(x, direction, layers, t => Formula(t, layers, heads));
        Assert.True((ours - formula).abs().max().item<double>() < 1e-12);
        for (var i = 0; i < oursBy.Length; i++) Assert.True((oursBy[i] - formulaBy[i]).abs().max().item<double>() < 1e-11, $"gradient {i}");
        foreach (var layer in layers) layer.Dispose();
    }

    [Theory]
    [InlineData(64, 16, 16, 2, ScalarType.Float32, true)]
    [InlineData(64, 16, 16, 2, ScalarType.Float64, false)] // oneDNN has no double
    [InlineData(64, 4, 4, 2, ScalarType.Float32, false)] // the calls would cost more than the arithmetic
    [InlineData(64, 64, 64, 2, ScalarType.Float32, false)] // the table of weights would be large
    [InlineData(64, 9, 9, 2, ScalarType.Float32, false)] // pixels that fill no lanes
    [InlineData(48, 16, 16, 2, ScalarType.Float32, false)] // nor do heads of 24
    public void ItIsUsedWhereItIsFaster(long channels, long height, long width, long heads, ScalarType type, bool expected)
    {
        using var x = zeros(1, channels, height, width, type);
        Assert.Equal(expected, PixelAttention.Suits(x, heads));
    }

    [Fact]
    public void ComputationInBFloat16KeepsItsOwnWay()
    {
        Assert.SkipWhen(Autocast.Instance is null, "this libtorch has no autocast to switch on");
        using var x = zeros(1, 64, 16, 16);
        using (Autocast.Instance!.Enter(DeviceType.CPU)) Assert.False(PixelAttention.Suits(x, 2));
        Assert.True(PixelAttention.Suits(x, 2));
    }

    private static (Tensor Result, Tensor[] Gradients) WithGradients(Tensor x, Tensor direction, Linear[] layers, Func<Tensor, Tensor> attention)
    {
        var input = x.clone().requires_grad_(true);
        foreach (var layer in layers) layer.zero_grad();
        var result = attention(input);
        (result * direction).sum().backward();
        return (result.detach(), [input.grad!, .. layers.SelectMany(layer => new[] { layer.weight!.grad!.clone(), layer.bias!.grad!.clone() })]);
    }

    // softmax(q·kᵀ/√d)·v of every sample and head, pixels as rows.
    private static Tensor Formula(Tensor x, Linear[] layers, long heads)
    {
        var rows = x.flatten(2).transpose(1, 2);
        Tensor[] parts = [.. layers.Take(3).Select(layer => layer.call(rows).unflatten(2, heads, -1).transpose(1, 2))];
        var weights = nn.functional.softmax(einsum("bhic,bhjc->bhij", parts[0], parts[1]) / Math.Sqrt(parts[0].shape[3]), -1);
        var mixed = einsum("bhij,bhjc->bhic", weights, parts[2]).transpose(1, 2).flatten(2);
        return layers[3].call(mixed).transpose(1, 2).unflatten(2, x.shape[2], x.shape[3]);
    }
}
