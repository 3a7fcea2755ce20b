using Diffusion.Checkpoints;

namespace Diffusion.Networks;

/// <summary>A U-Net as diffusers keeps UNet2DModel: a folder with config.json and diffusion_pytorch_model.safetensors.</summary>
internal static class UNetFolder
{
    private const string WeightsName = "diffusion_pytorch_model";

    public static UNet Load(string folder, Device? device, ScalarType dtype, string? variant)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16))
            throw new ArgumentException($"dtype is {dtype}; a floating-point type is needed.", nameof(dtype));
        var config = UNetConfig.FromJson(ModelFolder.ReadConfig(folder), Path.Combine(folder, ModelFolder.ConfigName));
        TorchBackend.EnsureLoaded(); // before the generator is asked for its state
        using var weights = ModelFolder.OpenWeights(folder, WeightsName, variant);
        var network = Build(config, folder);
        try
        {
            network.to(dtype);
            if (device is not null) network.to(device);
            StateDict.LoadInto(network, weights, key => Rename(key, weights));
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    public static void Save(UNet network, string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Directory.CreateDirectory(folder);
        ModelFolder.RefuseSplit(folder, WeightsName);
        AtomicFile.WriteText(Path.Combine(folder, ModelFolder.ConfigName), network.Config.ToJson());
        StateDict.Save(network, Path.Combine(folder, ModelFolder.SingleFile(WeightsName)));
    }

    // The initial weights are overwritten; drawing them must not move the caller's random numbers.
    private static UNet Build(UNetConfig config, string folder)
    {
        using var scope = NewDisposeScope();
        var state = get_rng_state();
        try
        {
            return new UNet(config);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"'{Path.Combine(folder, ModelFolder.ConfigName)}' describes no network that runs: {error.Message}", error);
        }
        finally
        {
            set_rng_state(state);
        }
    }

    /// <summary>Early versions named the projections of attention otherwise, and stored some convolutions twice.</summary>
    private static string? Rename(string key, TensorFile weights)
    {
        var parts = key.Split('.');
        if (parts.Length < 3) return key;
        switch (parts[^2])
        {
            case "query": parts[^2] = "to_q"; break;
            case "key": parts[^2] = "to_k"; break;
            case "value": parts[^2] = "to_v"; break;
            case "proj_attn": parts[^2] = "to_out.0"; break;
            case "Conv2d_0":
                parts[^2] = "conv";
                if (weights.Contains(string.Join('.', parts))) return null;
                break;
        }
        return string.Join('.', parts);
    }
}
