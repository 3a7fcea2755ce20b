using System.Diagnostics;

namespace Diffusion.Tests.Hostile;

/// <summary>Loads mutated files one after another on a thread that is watched, and notes every way in which a reader misbehaves.</summary>
internal sealed class HostileRun
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30); // for a single load, on a busy machine
    private const long GreatestGrowth = 1L << 30; // of the process: what no tensor of these files explains
    private const int GreatestFaults = 10;

    private readonly HostileFormat _format;
    private readonly string _folder;
    private readonly List<string> _faults = [];
    private readonly HashSet<string> _messages = new(StringComparer.Ordinal);
    private volatile string _current = "";
    private volatile bool _abandoned;
    private long _since;
    private int _accepted;

    private HostileRun(HostileFormat format, string folder) => (_format, _folder) = (format, folder);

    /// <summary>How readers misbehaved; each names the seed.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>What was said when files were refused.</summary>
    public IReadOnlyCollection<string> Messages => [.. _messages, .. _format.Said];

    /// <summary>How many files were still good enough to be loaded.</summary>
    public int Accepted => _accepted;

    /// <summary>Loads the valid files, those that break one rule, and those of some seeds.</summary>
    public static HostileRun Over(HostileFormat format, int firstSeed, int count)
    {
        using var folder = new TemporaryFolder();
        var run = new HostileRun(format, folder.Path);
        foreach (var (name, content) in format.Outside) folder.Write(name, content);
        run.Take("valid", format.Valid);
        if (run._accepted != 1) run._faults.Add($"{format.Name}: the valid files were refused: {string.Join("; ", run._messages)}");
        var tensors = LiveTensors.Count();
        var work = new Thread(() => run.Work(firstSeed, count)) { IsBackground = true, Name = $"hostile {format.Name}" };
        run.Watch(work);
        if (format.CountsTensors && run._faults.Count == 0 && LiveTensors.Count() is var left && left != tensors) run._faults.Add($"{format.Name}: {tensors} tensors became {left}");
        return run;
    }

    private void Work(int firstSeed, int count)
    {
        try
        {
            var number = 0;
            foreach (var files in _format.Directed) Take($"directed {number++}", files);
            for (var seed = firstSeed; seed < firstSeed + count && _faults.Count < GreatestFaults; seed++) Take($"seed {seed}", _format.Mutated(seed));
        }
        catch (IOException) when (_abandoned)
        {
            // Nobody waits any more, and the folder is gone.
        }
    }

    private void Watch(Thread work)
    {
        var before = Environment.WorkingSet;
        Interlocked.Exchange(ref _since, Stopwatch.GetTimestamp());
        work.Start();
        while (!work.Join(20))
        {
            if (Stopwatch.GetElapsedTime(Interlocked.Read(ref _since)) > Limit)
            {
                _abandoned = true;
                _faults.Add($"{_format.Name}, {_current}: not loaded after {Limit.TotalSeconds} s"); // the thread is left behind
                return;
            }

            if (Environment.WorkingSet - before > GreatestGrowth)
            {
                _abandoned = true;
                _faults.Add($"{_format.Name}, {_current}: the process grew by {(Environment.WorkingSet - before) >> 20} MiB");
                return;
            }
        }
    }

    // The folder bears the name of the case: where the process aborts, it is left behind and tells.
    private void Take(string name, IReadOnlyDictionary<string, byte[]> files)
    {
        _current = name;
        Interlocked.Exchange(ref _since, Stopwatch.GetTimestamp());
        var folder = Path.Combine(_folder, $"{_format.Name} {name}");
        Directory.CreateDirectory(folder);
        foreach (var (path, content) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, path))!);
            File.WriteAllBytes(Path.Combine(folder, path), content);
        }

        var size = files.Values.Sum(content => (long)content.Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        long made = 0;
        try
        {
            using var scope = NewDisposeScope();
            made = _format.Load(folder);
            _accepted++;
        }
        catch (Exception error)
        {
            Judge(error, name, folder);
        }

        var taken = GC.GetAllocatedBytesForCurrentThread() - before;
        if (taken > _format.BytesPerByte * size + _format.BytesBesides) _faults.Add($"{_format.Name}, {name}: {size} bytes of files took {taken} bytes of managed memory");
        if (made > _format.TensorBytesPerByte * size + _format.BytesBesides) _faults.Add($"{_format.Name}, {name}: {size} bytes of files became {made} bytes of tensors");
        Directory.Delete(folder, recursive: true);
    }

    // Exactly these: a class derived from one of them is an accident.
    private void Judge(Exception error, string name, string folder)
    {
        _messages.Add(error.Message);
        var documented = error.GetType() == typeof(InvalidDataException) || error.GetType() == typeof(FileNotFoundException) || error.GetType() == typeof(DirectoryNotFoundException);
        if (!documented) _faults.Add($"{_format.Name}, {name}: {error.GetType().Name}: {error.Message.Split('\n')[0]} {error.StackTrace?.Split('\n')[0].Trim()}");
        else if (!error.Message.Contains(folder, StringComparison.Ordinal)) _faults.Add($"{_format.Name}, {name}: no file is named: {error.Message}");
        else if (error.Message.Length < folder.Length + 15) _faults.Add($"{_format.Name}, {name}: no fault is named: {error.Message}");
    }
}
