namespace Diffusion.Checkpoints;

/// <summary>Finds the weights in a folder that Hugging Face libraries have written.</summary>
internal static class ModelFolder
{
    public const string ConfigName = "config.json";

    /// <summary>Opens the weights of a model, in one file or in several.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">First part of the file names: diffusion_pytorch_model, or model for text encoders.</param>
    /// <param name="variant">Which of several versions, such as fp16; null for the one without a mark.</param>
    /// <exception cref="FileNotFoundException">There are no such weights; the message lists the names that were looked for.</exception>
    public static TensorFile OpenWeights(string folder, string name, string? variant)
    {
        if (variant is not null && (variant.Length == 0 || variant.IndexOfAny(['/', '\\', ':', '\0']) >= 0))
            throw new ArgumentException($"'{variant}' is not the name of a variant.", nameof(variant));
        // Where there is an index, it says what belongs together; in the order of the libraries that write them.
        string[] indices = variant is null
            ? [$"{name}.safetensors.index.json"]
            : [$"{name}.safetensors.index.{variant}.json", $"{name}.safetensors.{variant}.index.json"];
        foreach (var index in indices)
        {
            var path = Path.Combine(folder, index);
            if (File.Exists(path)) return ShardedSafetensors.Open(path);
        }
        var single = SingleFile(name, variant);
        if (File.Exists(Path.Combine(folder, single))) return SafetensorsFile.Open(Path.Combine(folder, single));

        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        var pickled = Directory.EnumerateFiles(folder, "*.bin").Any() ? " Pickled weights (.bin) are not read; convert them to safetensors." : "";
        throw new FileNotFoundException($"'{folder}' has none of {single}, {string.Join(", ", indices)}.{pickled}", Path.Combine(folder, single));
    }

    public static string SingleFile(string name, string? variant = null) =>
        variant is null ? $"{name}.safetensors" : $"{name}.{variant}.safetensors";

    /// <summary>Fails if a split checkpoint lies where one file is to be written: whoever reads the folder would take the old one.</summary>
    public static void RefuseSplit(string folder, string name)
    {
        var index = Path.Combine(folder, $"{name}.safetensors.index.json");
        if (File.Exists(index))
            throw new IOException($"'{index}' exists: the folder holds a checkpoint in several files. Save to another folder or delete it first.");
    }

    /// <summary>Text of the folder's config.json.</summary>
    public static string ReadConfig(string folder)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        return ConfigurationText.Read(Path.Combine(folder, ConfigName));
    }
}
