using System.Text.Json;
using Diffusion.Checkpoints;
using Diffusion.Networks;
using Xunit;

namespace Diffusion.Tests.Networks;

public sealed class UNetFolderTests : IDisposable
{
    private const string Weights = "diffusion_pytorch_model";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(UNetTests.Kinds), MemberType = typeof(UNetTests))]
    public void SavingAndLoadingKeepsEveryBit(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(UNetTests.Config(kind));
        network.Save(_folder.Path);
        using var loaded = UNet.Load(_folder.Path);
        Assert.Equal(network.Config, loaded.Config);
        AssertSame(network, loaded);
        Assert.All(loaded.named_parameters(), p => Assert.Equal(p.name != "time_proj.weight" || kind == "learned", p.parameter.requires_grad));
        Assert.Equal(["config.json", $"{Weights}.safetensors"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void SavingAgainGivesTheSameBytes()
    {
        using var network = new UNet(UNetConfigs.Tiny);
        network.Save(_folder.File("a"));
        network.Save(_folder.File("b"));
        network.Save(_folder.File("b"));
        foreach (var name in new[] { "config.json", $"{Weights}.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder.File("a"), name)), File.ReadAllBytes(Path.Combine(_folder.File("b"), name)));
    }

    [Fact]
    public void LoadingConvertsTheTypeAndKeepsTheOneThatIsSaved()
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(UNetConfigs.Tiny);
        network.to(bfloat16);
        network.Save(_folder.Path);
        using (var file = SafetensorsFile.Open(_folder.File($"{Weights}.safetensors")))
            Assert.All(file.Keys, key => Assert.Equal(ScalarType.BFloat16, file.DType(key)));
        using var single = UNet.Load(_folder.Path);
        Assert.All(single.parameters(), p => Assert.Equal(ScalarType.Float32, p.dtype));
        using var brain = UNet.Load(_folder.Path, dtype: ScalarType.BFloat16);
        AssertSame(network, brain);
        Assert.Contains("floating-point", Assert.Throws<ArgumentException>(() => UNet.Load(_folder.Path, dtype: ScalarType.Int32)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadingDrawsNothingFromTheGlobalGenerator()
    {
        using var scope = NewDisposeScope();
        using (var network = new UNet(UNetConfigs.Tiny)) network.Save(_folder.Path);
        manual_seed(3);
        var expected = randn(4).data<float>().ToArray();
        manual_seed(3);
        using var loaded = UNet.Load(_folder.Path);
        Assert.Equal(expected, randn(4).data<float>().ToArray());
    }

    [Theory]
    [InlineData(null, "diffusion_pytorch_model.safetensors")]
    [InlineData("fp16", "diffusion_pytorch_model.fp16.safetensors")]
    [InlineData(null, "diffusion_pytorch_model.safetensors.index.json")]
    [InlineData("fp16", "diffusion_pytorch_model.safetensors.index.fp16.json")]
    [InlineData("fp16", "diffusion_pytorch_model.safetensors.fp16.index.json")]
    public void EveryLayoutOfAFolderIsFound(string? variant, string name)
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(UNetConfigs.Tiny);
        File.WriteAllText(_folder.File("config.json"), network.Config.ToJson());
        if (name.EndsWith(".json", StringComparison.Ordinal)) SaveInTwoFiles(network, name);
        else StateDict.Save(network, _folder.File(name));
        using var loaded = UNet.Load(_folder.Path, variant: variant);
        AssertSame(network, loaded);

        var error = Assert.Throws<FileNotFoundException>(() => UNet.Load(_folder.Path, variant: "ema"));
        Assert.Contains("diffusion_pytorch_model.ema.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EarlyNamesOfAttentionAndDoubleConvolutionsAreRead()
    {
        using var scope = NewDisposeScope();
        using var network = new UNet(UNetConfigs.Tiny);
        File.WriteAllText(_folder.File("config.json"), network.Config.ToJson());
        var early = network.state_dict().Select(p => (
            p.Key.Replace("to_q.", "query.").Replace("to_k.", "key.").Replace("to_v.", "value.").Replace("to_out.0.", "proj_attn."), p.Value)).ToList();
        early.AddRange(network.state_dict().Where(p => p.Key.Contains("downsamplers.0.conv.", StringComparison.Ordinal))
            .Select(p => (p.Key.Replace(".conv.", ".Conv2d_0."), p.Value)).ToList());
        SafetensorsFile.Save(_folder.File($"{Weights}.safetensors"), early);
        using var loaded = UNet.Load(_folder.Path);
        AssertSame(network, loaded);
    }

    [Fact]
    public void WhatDoesNotFitIsListedWithTheFile()
    {
        using (var network = new UNet(UNetConfigs.Tiny)) network.Save(_folder.Path);
        File.WriteAllText(_folder.File("config.json"), (UNetConfigs.Tiny with { NumClassEmbeds = 4, OutChannels = 6 }).ToJson());
        var message = Assert.Throws<InvalidDataException>(() => UNet.Load(_folder.Path)).Message;
        Assert.Contains($"{Weights}.safetensors", message, StringComparison.Ordinal);
        Assert.Contains("missing: class_embedding.weight", message, StringComparison.Ordinal);
        Assert.Contains("'conv_out.weight' has shape [3, 4, 3, 3], [6, 4, 3, 3] is needed", message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderWithoutAModelIsNamed()
    {
        Assert.Contains("nowhere", Assert.Throws<DirectoryNotFoundException>(() => UNet.Load(_folder.File("nowhere"))).Message, StringComparison.Ordinal);
        Assert.Contains("config.json", Assert.Throws<FileNotFoundException>(() => UNet.Load(_folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.File("config.json"), UNetConfigs.Tiny.ToJson());
        Assert.DoesNotContain(".bin", Assert.Throws<FileNotFoundException>(() => UNet.Load(_folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.File($"{Weights}.bin"), "");
        Assert.Contains("convert them to safetensors", Assert.Throws<FileNotFoundException>(() => UNet.Load(_folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => UNet.Load(_folder.Path, variant: "../fp16"));
        Assert.Throws<ArgumentException>(() => UNet.Load(""));
    }

    [Fact]
    public void AConfigurationThatDescribesNoNetworkIsNamed()
    {
        File.WriteAllText(_folder.File("config.json"), (UNetConfigs.Tiny with { NormNumGroups = 3 }).ToJson());
        StateDict.Save(nn.Linear(1, 1), _folder.File($"{Weights}.safetensors"));
        var message = Assert.Throws<InvalidDataException>(() => UNet.Load(_folder.Path)).Message;
        Assert.Contains("config.json", message, StringComparison.Ordinal);
        Assert.Contains("3 equal groups", message, StringComparison.Ordinal);
    }

    [Fact]
    public void SavingBesideACheckpointInSeveralFilesIsRefused()
    {
        using var network = new UNet(UNetConfigs.Tiny);
        SaveInTwoFiles(network, $"{Weights}.safetensors.index.json");
        Assert.Contains("several files", Assert.Throws<IOException>(() => network.Save(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailedLoadLeavesNothing()
    {
        using (var network = new UNet(UNetConfigs.Tiny)) network.Save(_folder.Path);
        File.WriteAllText(_folder.File("config.json"), (UNetConfigs.Tiny with { OutChannels = 6 }).ToJson());
        using var scope = NewDisposeScope();
        Assert.Throws<InvalidDataException>(() => UNet.Load(_folder.Path));
        Assert.Equal(0, scope.DisposablesCount);
    }

    private void SaveInTwoFiles(UNet network, string index)
    {
        var halves = network.state_dict().Select((p, i) => (p.Key, p.Value, File: $"{Weights}-0000{i % 2 + 1}-of-00002.safetensors")).ToList();
        foreach (var part in halves.GroupBy(p => p.File)) SafetensorsFile.Save(_folder.File(part.Key), part.Select(p => (p.Key, p.Value)));
        var map = halves.ToDictionary(p => p.Key, p => p.File);
        File.WriteAllText(_folder.File(index), JsonSerializer.Serialize(new { metadata = new { total_size = 1 }, weight_map = map }));
    }

    private static void AssertSame(UNet expected, UNet given)
    {
        var state = given.state_dict();
        Assert.Equal(expected.state_dict().Keys, state.Keys);
        foreach (var (name, value) in expected.state_dict()) Assert.Equal(value.bytes.ToArray(), state[name].bytes.ToArray());
    }
}
