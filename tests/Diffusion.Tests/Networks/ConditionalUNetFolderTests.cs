using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public sealed class ConditionalUNetFolderTests : IDisposable
{
    private const string Weights = "diffusion_pytorch_model";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(ConditionalUNetConfigs.Kinds), MemberType = typeof(ConditionalUNetConfigs))]
    public void SavingAndLoadingKeepsEveryBit(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of(kind));
        network.Save(_folder.Path);
        manual_seed(3);
        var expected = randn(4).data<float>().ToArray();
        manual_seed(3);
        using var loaded = ConditionalUNet.Load(_folder.Path);
        Assert.Equal(expected, randn(4).data<float>().ToArray());
        Assert.Equal(network.Config, loaded.Config);
        AssertSame(network, loaded);
        var (x, label, condition) = ConditionalUNetConfigs.Inputs(network.Config, 2);
        Assert.True(network.call(x, label, condition).eq(loaded.call(x, label, condition)).all().item<bool>());
    }

    [Theory]
    [InlineData(null, "diffusion_pytorch_model.safetensors.index.json")]
    [InlineData("fp16", "diffusion_pytorch_model.fp16.safetensors")]
    public void SplitWeightsAndVariantsAreFound(string? variant, string name)
    {
        using var scope = NewDisposeScope();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Tiny);
        File.WriteAllText(_folder.File("config.json"), network.Config.ToJson());
        if (name.EndsWith(".json", StringComparison.Ordinal)) SaveInTwoFiles(network, name);
        else StateDict.Save(network, _folder.File(name));
        using var loaded = ConditionalUNet.Load(_folder.Path, variant: variant);
        AssertSame(network, loaded);
        using var half = ConditionalUNet.Load(_folder.Path, dtype: ScalarType.BFloat16, variant: variant);
        Assert.All(half.parameters(), p => Assert.Equal(ScalarType.BFloat16, p.dtype));
    }

    [Fact]
    public void EarlyNamesOfSelfAttentionAreRead()
    {
        using var scope = NewDisposeScope();
        using var network = new ConditionalUNet(ConditionalUNetConfigs.Of("self-attention"));
        File.WriteAllText(_folder.File("config.json"), network.Config.ToJson());
        var early = network.state_dict().Select(p => (p.Key.Contains("transformer_blocks", StringComparison.Ordinal)
            ? p.Key
            : p.Key.Replace("to_q.", "query.").Replace("to_k.", "key.").Replace("to_v.", "value.").Replace("to_out.0.", "proj_attn."), p.Value)).ToList();
        Assert.Contains(early, p => p.Item1.Contains("proj_attn", StringComparison.Ordinal));
        SafetensorsFile.Save(_folder.File($"{Weights}.safetensors"), early);
        using var loaded = ConditionalUNet.Load(_folder.Path);
        AssertSame(network, loaded);
    }

    [Fact]
    public void WhatDoesNotFitIsListedWithTheFile()
    {
        using (var network = new ConditionalUNet(ConditionalUNetConfigs.Tiny)) network.Save(_folder.Path);
        File.WriteAllText(_folder.File("config.json"), (ConditionalUNetConfigs.Tiny with { NumClassEmbeds = 4, CrossAttentionDim = [16] }).ToJson());
        using var scope = NewDisposeScope();
        var message = Assert.Throws<InvalidDataException>(() => ConditionalUNet.Load(_folder.Path)).Message;
        Assert.Contains($"{Weights}.safetensors", message, StringComparison.Ordinal);
        Assert.Contains("missing: class_embedding.weight", message, StringComparison.Ordinal);
        Assert.Contains("attn2.to_k.weight' has shape [8, 12], [8, 16] is needed", message, StringComparison.Ordinal);
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void AFolderOfTheOtherNetworkIsNamed()
    {
        using (var network = new UNet(UNetConfigs.Tiny)) network.Save(_folder.Path);
        var message = Assert.Throws<InvalidDataException>(() => ConditionalUNet.Load(_folder.Path)).Message;
        Assert.Contains("config.json", message, StringComparison.Ordinal);
        Assert.Contains("\"UNet2DConditionModel\" is needed", message, StringComparison.Ordinal);
    }

    private void SaveInTwoFiles(ConditionalUNet network, string index)
    {
        var halves = network.state_dict().Select((p, i) => (p.Key, p.Value, File: $"{Weights}-0000{i % 2 + 1}-of-00002.safetensors")).ToList();
        foreach (var part in halves.GroupBy(p => p.File)) SafetensorsFile.Save(_folder.File(part.Key), part.Select(p => (p.Key, p.Value)));
        var map = halves.ToDictionary(p => p.Key, p => p.File);
        File.WriteAllText(_folder.File(index), JsonSerializer.Serialize(new { metadata = new { total_size = 1 }, weight_map = map }));
    }

    private static void AssertSame(ConditionalUNet expected, ConditionalUNet given)
    {
        var state = given.state_dict();
        Assert.Equal(expected.state_dict().Keys, state.Keys);
        foreach (var (name, value) in expected.state_dict()) Assert.Equal(value.bytes.ToArray(), state[name].bytes.ToArray());
    }
}
