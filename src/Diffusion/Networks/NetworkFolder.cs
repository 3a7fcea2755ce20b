using System.Runtime.InteropServices;
using Diffusion.Checkpoints;

namespace Diffusion.Networks;

/// <summary>A network as diffusers keeps it: a folder with config.json and diffusion_pytorch_model.safetensors.</summary>
internal static class NetworkFolder
{
    private const string WeightsName = "diffusion_pytorch_model";

    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the network is put; null for the CPU.</param>
    /// <param name="dtype">Type of its parameters.</param>
    /// <param name="variant">Which of several versions of the weights.</param>
    /// <param name="read">Makes a configuration of a text and the name of its file.</param>
    /// <param name="least">How much a configuration asks for at the least.</param>
    /// <param name="make">Makes a network of a configuration.</param>
    public static TNetwork Load<TConfig, TNetwork>(
        string folder, Device? device, ScalarType dtype, string? variant, Func<string, string, TConfig> read, Func<TConfig, LeastWeights> least, Func<TConfig, TNetwork> make)
        where TNetwork : nn.Module
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16))
            throw new ArgumentException($"dtype is {dtype}; a floating-point type is needed.", nameof(dtype));
        var config = read(ModelFolder.ReadConfig(folder), Path.Combine(folder, ModelFolder.ConfigName));
        TorchBackend.EnsureLoaded(); // before the generator is asked for its state
        using var weights = ModelFolder.OpenWeights(folder, WeightsName, variant);
        CheckSize(least(config), weights, Path.Combine(folder, ModelFolder.ConfigName));
        var network = Build(() => make(config), folder);
        try
        {
            network.to(dtype);
            if (device is not null) network.to(device);
            StateDict.LoadInto(network, weights, key => Rename(key, weights));
            return network;
        }
        catch (ExternalException error) when (DeviceOutOfMemoryException.Of(error) is { } memory)
        {
            network.Dispose();
            throw memory;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Loads the network whose class the folder's configuration names: a first U-Net where it names none.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the network is put; null for the CPU.</param>
    public static DenoisingNetwork LoadAny(string folder, Device? device) =>
        ConfigReader.ClassOf(ModelFolder.ReadConfig(folder)) == ConditionalUNetNames.ClassName ? ConditionalUNet.Load(folder, device) : UNet.Load(folder, device);

    public static void Save(nn.Module network, string config, string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Directory.CreateDirectory(folder);
        ModelFolder.RefuseSplit(folder, WeightsName);
        AtomicFile.WriteText(Path.Combine(folder, ModelFolder.ConfigName), config);
        StateDict.Save(network, Path.Combine(folder, ModelFolder.SingleFile(WeightsName)));
    }

    // A configuration of a few bytes can ask for more memory than there is; the weights, all of which are needed, say what is meant. Where the two differ by
    // little, the network is made, and the comparison names the tensors.
    private static void CheckSize(LeastWeights least, TensorFile weights, string config)
    {
        const int AnyTensors = 4096, AnyNumbers = 1 << 22;
        var numbers = weights.Keys.Aggregate((UInt128)0, (sum, key) => sum + weights.Shape(key).Aggregate((UInt128)1, (product, length) => product * (ulong)length));
        if (least.Tensors > 2 * (UInt128)weights.Keys.Count + AnyTensors || least.Numbers > 2 * numbers + AnyNumbers)
            throw new InvalidDataException(
                $"'{config}' describes a network of at least {least.Tensors} tensors with {least.Numbers} numbers, but '{weights.Path}' has {weights.Keys.Count} with {numbers}.");
    }

    // The initial weights are overwritten; drawing them must not move the caller's random numbers.
    private static TNetwork Build<TNetwork>(Func<TNetwork> make, string folder)
    {
        using var scope = NewDisposeScope();
        var state = get_rng_state();
        try
        {
            return make();
        }
        catch (ExternalException error) when (DeviceOutOfMemoryException.Of(error) is { } memory)
        {
            throw memory;
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
