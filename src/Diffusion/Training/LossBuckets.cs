namespace Diffusion.Training;

/// <summary>Sums losses by time, in equal parts of [0, 1].</summary>
/// <param name="count">How many parts; 0 sums nothing.</param>
/// <param name="floor">The least loss at a level, or null.</param>
internal sealed class LossBuckets(int count, Func<NoiseLevel, double>? floor)
{
    private readonly double[] _losses = new double[count];
    private readonly double[] _floors = new double[count];
    private readonly long[] _samples = new long[count];

    public void Clear()
    {
        Array.Clear(_losses);
        Array.Clear(_floors);
        Array.Clear(_samples);
    }

    public void Add(IReadOnlyList<NoiseLevel> levels, ReadOnlySpan<double> losses)
    {
        if (count == 0) return;
        for (var i = 0; i < losses.Length; i++)
        {
            var time = levels[i].Time;
            if (double.IsNaN(time)) continue; // a level that no schedule names
            var bucket = Math.Clamp((int)(time * count), 0, count - 1);
            _losses[bucket] += losses[i];
            if (floor is not null) _floors[bucket] += floor(levels[i]);
            _samples[bucket]++;
        }
    }

    /// <summary>The parts in which there were samples, in rising order of time.</summary>
    public IReadOnlyList<LossBucket> Means()
    {
        var means = new List<LossBucket>();
        for (var i = 0; i < count; i++)
            if (_samples[i] > 0)
                means.Add(new LossBucket((double)i / count, (i + 1.0) / count, _samples[i], _losses[i] / _samples[i], floor is null ? null : _floors[i] / _samples[i]));
        return means;
    }
}
