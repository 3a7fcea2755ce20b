namespace Diffusion.Tests.Hostile;

/// <summary>A file format, or a folder of files that belong together: what is valid, how to lie in it, and how it is read.</summary>
internal abstract class HostileFormat(string name)
{
    public string Name { get; } = name;

    /// <summary>Content by path in the folder that is loaded: files that load.</summary>
    public abstract IReadOnlyDictionary<string, byte[]> Valid { get; }

    /// <summary>Files that lie beside the folder and must never be read.</summary>
    public virtual IReadOnlyDictionary<string, byte[]> Outside => new Dictionary<string, byte[]>();

    /// <summary>Files that break one rule each and that chance would seldom find.</summary>
    public virtual IEnumerable<Dictionary<string, byte[]>> Directed => [];

    /// <summary>Managed bytes that reading may take for each byte of the files.</summary>
    public virtual long BytesPerByte => 64;

    /// <summary>Managed bytes that reading may take besides.</summary>
    public virtual long BytesBesides => 4 << 20;

    /// <summary>Bytes of tensors that reading may make for each byte of the files.</summary>
    public virtual long TensorBytesPerByte => 8;

    /// <summary>Whether tensors can be counted: TorchSharp counts every parameter that was ever made as alive.</summary>
    public virtual bool CountsTensors => true;

    /// <summary>What was said, beside refusing the file, to those who went on to use it.</summary>
    public HashSet<string> Said { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads everything in a folder and frees it.</summary>
    /// <returns>Bytes of the tensors that were made.</returns>
    public abstract long Load(string folder);

    /// <summary>Changes the files so that they still look like the format.</summary>
    public abstract void Distort(Dictionary<string, byte[]> files, Random random);

    /// <summary>The files of a seed: even seeds know the format, odd ones do not.</summary>
    public Dictionary<string, byte[]> Mutated(int seed)
    {
        var random = new Random(seed);
        var files = new Dictionary<string, byte[]>(Valid, StringComparer.Ordinal);
        if (seed % 2 == 0) Distort(files, random);
        else
        {
            var name = Any(files, random);
            for (var n = random.Next(3); n >= 0; n--) files[name] = ByteMutation.Apply(files[name], random);
        }

        return files;
    }

    protected static string Any(Dictionary<string, byte[]> files, Random random) => files.Keys.Order(StringComparer.Ordinal).ElementAt(random.Next(files.Count));

    protected Dictionary<string, byte[]> With(string name, byte[] content) => new(Valid, StringComparer.Ordinal) { [name] = content };

    protected Dictionary<string, byte[]> With(string name, string content) => With(name, System.Text.Encoding.UTF8.GetBytes(content));

    protected Dictionary<string, byte[]> Without(string name)
    {
        var files = new Dictionary<string, byte[]>(Valid, StringComparer.Ordinal);
        files.Remove(name);
        return files;
    }

    /// <summary>The files of a folder that <paramref name="write"/> fills.</summary>
    protected static IReadOnlyDictionary<string, byte[]> Written(Action<string> write)
    {
        using var folder = new TemporaryFolder();
        write(folder.Path);
        return Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).ToDictionary(path => Path.GetRelativePath(folder.Path, path), File.ReadAllBytes, StringComparer.Ordinal);
    }

    protected static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();
}
