namespace Diffusion.Checkpoints;

/// <summary>Moves the parameters and buffers of a module to and from files, under the names of its state dictionary.</summary>
public static class StateDict
{
    private const int ListedKeys = 20;

    /// <summary>
    /// Copies the tensors of a file into the parameters and buffers of a module, one at a time. Everything is checked before
    /// anything is copied. A floating-point tensor is converted to the type of its parameter; other types must agree.
    /// </summary>
    /// <param name="module">The module; it keeps its device and types.</param>
    /// <param name="file">The file, borrowed.</param>
    /// <param name="rename">Says which key of the module a key of the file is; null where it is to be left out. By default the same.</param>
    /// <param name="strict">Whether keys that only one side has are an error. If not, they are left alone.</param>
    /// <exception cref="InvalidDataException">
    /// Keys are missing or not expected, two keys mean the same parameter, or a shape or type does not fit. The message lists them.
    /// </exception>
    public static void LoadInto(nn.Module module, TensorFile file, Func<string, string?>? rename = null, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(file);
        Checked(module, file, rename, strict)();
    }

    /// <summary>Checks as <see cref="LoadInto"/> does, and leaves the copying to be done once everything else has been checked too.</summary>
    internal static Action Checked(nn.Module module, TensorFile file, Func<string, string?>? rename = null, bool strict = true)
    {
        var targets = module.state_dict();
        var sources = new Dictionary<string, string>(StringComparer.Ordinal); // key of the module → key of the file
        var unexpected = new List<string>();
        var misfits = new List<string>();
        foreach (var key in file.Keys)
        {
            var name = rename is null ? key : rename(key);
            if (name is null) continue;
            if (!targets.TryGetValue(name, out var target)) unexpected.Add(key);
            else if (!sources.TryAdd(name, key)) misfits.Add($"'{sources[name]}' and '{key}' both mean '{name}'");
            else if (Misfit(file, key, target) is { } misfit) misfits.Add(misfit);
        }
        var missing = targets.Keys.Where(k => !sources.ContainsKey(k)).ToList();

        var faults = new List<string>();
        if (strict && missing.Count > 0) faults.Add($"missing: {List(missing)}");
        if (strict && unexpected.Count > 0) faults.Add($"not expected: {List(unexpected)}");
        if (misfits.Count > 0) faults.Add(List(misfits));
        if (faults.Count > 0) throw new InvalidDataException($"'{file.Path}' does not fit {module.GetName()}. {string.Join(". ", faults)}.");

        return () =>
        {
            using var noGrad = no_grad();
            foreach (var (name, key) in sources)
            {
                using var value = file.Read(key);
                targets[name].copy_(value);
            }
        };
    }

    /// <summary>
    /// Saves the parameters and buffers of a module as a safetensors file, with the metadata <c>format: pt</c> that readers in
    /// Python ask for. Written as <see cref="SafetensorsFile.Save"/> does, in the types that the module has.
    /// </summary>
    /// <param name="module">The module, borrowed.</param>
    /// <param name="path">The file; its folder must exist.</param>
    public static void Save(nn.Module module, string path)
    {
        ArgumentNullException.ThrowIfNull(module);
        SafetensorsFile.Save(
            path, module.state_dict().Select(entry => (entry.Key, entry.Value)), new Dictionary<string, string> { ["format"] = "pt" });
    }

    private static string? Misfit(TensorFile file, string key, Tensor target)
    {
        var shape = file.Shape(key);
        if (!shape.SequenceEqual(target.shape))
            return $"'{key}' has shape [{string.Join(", ", shape)}], [{string.Join(", ", target.shape)}] is needed";
        var type = file.DType(key);
        return type == target.dtype || (IsFloat(type) && IsFloat(target.dtype))
            ? null
            : $"'{key}' is {type}, {target.dtype} is needed";
    }

    private static bool IsFloat(ScalarType type) =>
        type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    private static string List(List<string> items) =>
        string.Join(", ", items.Take(ListedKeys)) + (items.Count > ListedKeys ? $" and {items.Count - ListedKeys} more" : "");
}
