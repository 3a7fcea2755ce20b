using System.Globalization;
using Diffusion.Checkpoints;

namespace Diffusion.Training;

/// <summary>
/// Averages of any width, made up after training from the power-function averages that <see cref="AverageSnapshots"/> stored: the best width is found by trying, without
/// training again. (Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models", section 3.2) Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Averages of two widths suffice, 0.05 and 0.10 in the paper; widths between and around them come out well, much narrower ones than the narrowest do not.
/// <code>
/// var settings = new TrainingSettings
/// {
///     Averages = [AveragingRule.PowerFunctionOfWidth(0.05), AveragingRule.PowerFunctionOfWidth(0.10)],
///     Snapshots = new AverageSnapshots("run/averages", every: 1000),
/// };
/// …
/// var averages = PostHocAverages.Open("run/averages");
/// averages.CopyTo(network, averages.OfWidth(0.07));
/// </code>
/// </remarks>
public sealed class PostHocAverages
{
    private readonly (string Path, PowerFunctionProfile Profile)[] _snapshots;

    private PostHocAverages((string Path, PowerFunctionProfile Profile)[] snapshots) => _snapshots = snapshots;

    /// <summary>What is stored, in rising order of updates.</summary>
    public IReadOnlyList<PowerFunctionProfile> Profiles => Array.ConvertAll(_snapshots, s => s.Profile);

    /// <summary>The updates until the last one that is stored.</summary>
    public long Updates => _snapshots[^1].Profile.Updates;

    /// <summary>Finds the averages in a folder.</summary>
    /// <param name="folder">The folder that they were stored in.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">The folder holds no averages, or a file is damaged. The message names it.</exception>
    public static PostHocAverages Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var snapshots = Directory.GetFiles(folder, SnapshotFolder.Pattern).Select(path => (path, ProfileOf(path))).ToArray();
        if (snapshots.Length == 0) throw new InvalidDataException($"'{folder}' holds no averages ({SnapshotFolder.Pattern}). Set TrainingSettings.Snapshots in training.");
        return new PostHocAverages([.. snapshots.OrderBy(s => s.Item2.Updates).ThenBy(s => s.Item2.Gamma)]);
    }

    /// <summary>The profile of a relative width at the last time that is stored.</summary>
    /// <param name="width">In (0, 1/√12].</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="width"/> is out of its range.</exception>
    public PowerFunctionProfile OfWidth(double width) => PowerFunctionProfile.OfWidth(width, Updates);

    /// <summary>How much of each stored average makes up another one, in the order of <see cref="Profiles"/>; the sum is one. Those of later times count nothing.</summary>
    /// <param name="target">The profile that is wanted. Where it is stored, it alone counts.</param>
    /// <exception cref="ArgumentException">Nothing is stored up to the time of <paramref name="target"/>.</exception>
    public IReadOnlyList<double> Coefficients(PowerFunctionProfile target)
    {
        var profiles = Profiles;
        var usable = profiles.Count(p => p.Updates <= target.Updates);
        if (usable == 0) throw new ArgumentException($"The target stands at update {target.Updates}, but the first average was stored at {profiles[0].Updates}.", nameof(target));
        var coefficients = new double[profiles.Count];
        var stored = profiles.ToList().IndexOf(target);
        if (stored >= 0) coefficients[stored] = 1;
        else ProfileProjection.Coefficients([.. profiles.Take(usable)], target).CopyTo(coefficients, 0);
        return coefficients;
    }

    /// <summary>Writes the weights of an average as a safetensors file under the names of the network's state dictionary, one tensor computed after another in float64. Buffers are those of the latest average used.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="target">The profile that is wanted.</param>
    /// <exception cref="ArgumentException">Nothing is stored up to the time of <paramref name="target"/>.</exception>
    /// <exception cref="InvalidDataException">A stored file is damaged or of another network.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path, PowerFunctionProfile target)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var scope = NewDisposeScope();
        SafetensorsFile.Save(path, Combine(target), new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>Copies the weights of an average into a network.</summary>
    /// <param name="module">Has all the parameters and buffers, of the same shapes; borrowed.</param>
    /// <param name="target">The profile that is wanted.</param>
    /// <exception cref="ArgumentException">Nothing is stored up to the time of <paramref name="target"/>, or <paramref name="module"/> is another network.</exception>
    /// <exception cref="InvalidDataException">A stored file is damaged or of another network.</exception>
    public void CopyTo(nn.Module module, PowerFunctionProfile target)
    {
        ArgumentNullException.ThrowIfNull(module);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var targets = module.state_dict();
        var values = Combine(target);
        foreach (var (name, value) in values)
            if (!targets.TryGetValue(name, out var parameter) || !parameter.shape.AsSpan().SequenceEqual(value.shape))
                throw new ArgumentException($"The module has no '{name}' of shape [{string.Join(", ", value.shape)}].", nameof(module));
        foreach (var (name, value) in values) targets[name].copy_(value);
    }

    private List<(string Name, Tensor Value)> Combine(PowerFunctionProfile target)
    {
        using var gradients = no_grad();
        var coefficients = Coefficients(target);
        var used = Enumerable.Range(0, coefficients.Count).Where(i => coefficients[i] != 0).ToArray();
        var files = new List<SafetensorsFile>();
        try
        {
            foreach (var i in used) files.Add(SafetensorsFile.Open(_snapshots[i].Path));
            var latest = files[^1];
            foreach (var file in files.Where(file => !file.Keys.ToHashSet().SetEquals(latest.Keys)))
                throw new InvalidDataException($"'{file.Path}' and '{latest.Path}' hold different tensors: they are of two networks.");
            var buffers = latest.Metadata[SnapshotFolder.Buffers].Split('\n').ToHashSet(StringComparer.Ordinal);
            return [.. latest.Keys.Select(name => (name, buffers.Contains(name) ? latest.Read(name) : Sum(name)))];
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }

        Tensor Sum(string name)
        {
            if (used.Length == 1) return files[0].Read(name); // as it is, to the bit
            using var scope = NewDisposeScope();
            var first = files[0].Read(name);
            var sum = zeros(first.shape, float64);
            for (var i = 0; i < used.Length; i++)
            {
                using var value = files[i].Read(name);
                if (!value.shape.AsSpan().SequenceEqual(first.shape)) throw new InvalidDataException($"'{files[i].Path}' and '{files[0].Path}' hold '{name}' in different shapes.");
                sum.add_(value.to(float64), alpha: coefficients[used[i]]);
            }

            return sum.to(first.dtype).MoveToOuterDisposeScope();
        }
    }

    private static PowerFunctionProfile ProfileOf(string path)
    {
        using var file = SafetensorsFile.Open(path);
        if (file.Metadata.TryGetValue(SnapshotFolder.Gamma, out var gamma) && file.Metadata.TryGetValue(SnapshotFolder.Updates, out var updates) && file.Metadata.ContainsKey(SnapshotFolder.Buffers)
            && double.TryParse(gamma, CultureInfo.InvariantCulture, out var g) && long.TryParse(updates, CultureInfo.InvariantCulture, out var t) && g >= 0 && double.IsFinite(g) && t >= 1)
            return new PowerFunctionProfile(g, t);
        throw new InvalidDataException($"'{path}' does not say which average it holds (gamma, updates, buffers in its metadata).");
    }
}
