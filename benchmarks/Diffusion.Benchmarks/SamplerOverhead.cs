using System.Diagnostics;
using System.Globalization;
using Diffusion.Tests.Laws;

namespace Diffusion.Benchmarks;

/// <summary>Every sampler's own work a step against the same tensor operations issued bare, in turn, as medians; and the limits that it must keep.</summary>
internal static class SamplerOverhead
{
    private static readonly (long[] Shape, int Steps, int Rounds)[] _settings = [([1, 4, 64, 64], 40, 25), ([16, 3, 32, 32], 40, 25), ([16, 4, 128, 128], 8, 15)];

    /// <summary>Measures and prints a table.</summary>
    /// <param name="only">Names of the catalogue; all if empty.</param>
    /// <returns>1 if a sampler misses a limit.</returns>
    public static int Run(string[] only)
    {
        set_num_threads(1);
        WarmUp();
        Console.WriteLine("| sampler | 1×4×64×64: bare | sampler | 16×3×32×32: bare | sampler | 16×4×128×128: bare | sampler | ratio |\n| --- | --- | --- | --- | --- | --- | --- | --- |");
        var missed = new List<string>();
        foreach (var entry in SamplerCatalogue.All.Where(entry => only.Length == 0 || only.Contains(entry.Name)))
        {
            var cells = new List<string>();
            var ratio = 0.0;
            foreach (var (shape, steps, rounds) in _settings)
            {
                var (bare, sampler) = Measure(entry, shape, steps, rounds);
                // What else the machine does may meet one of the two: a limit counts as missed where it is missed three times.
                for (var again = 0; again < 2 && !Keeps(shape, bare, sampler); again++) (bare, sampler) = Measure(entry, shape, steps, rounds);
                ratio = sampler / bare;
                if (!Keeps(shape, bare, sampler)) missed.Add($"{entry.Name} at {string.Join("×", shape)}: {bare:f1} µs bare, {sampler:f1} µs");
                cells.Add(string.Create(CultureInfo.InvariantCulture, $"{bare:f1} µs | {sampler:f1} µs"));
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {entry.Name} | {string.Join(" | ", cells)} | {ratio:f2} |"));
        }

        foreach (var line in missed) Console.WriteLine($"Limit missed: {line}");
        Console.WriteLine(missed.Count == 0 ? "Every sampler keeps the limits." : $"{missed.Count} limits missed.");
        return missed.Count == 0 ? 0 : 1;
    }

    // Code is compiled for good only after many calls, and the first to use memory pays for its pages.
    private static void WarmUp()
    {
        using (NewDisposeScope())
            for (var i = 0; i < 64; i++) _ = ones(1 << 20);
        foreach (var (shape, steps, _) in _settings)
            foreach (var name in (string[])["DDIM", "Heun", "LMS 4", "DPM++ 3M SDE", "UniPC 3"])
                _ = Measure(SamplerCatalogue.All.Single(entry => entry.Name == name), shape, steps, 20);
    }

    private static bool Keeps(long[] shape, double bare, double sampler) => shape[^1] == 128 ? sampler <= 1.3 * bare : sampler <= Math.Max(2 * bare, bare + 15);

    // Medians in microseconds a step.
    private static (double Bare, double Sampler) Measure(CatalogueEntry entry, long[] shape, int steps, int rounds)
    {
        using var run = new OverheadCase(entry, shape, steps);
        var (bare, sampler) = (new List<double>(), new List<double>());
        for (var round = -4; round < rounds; round++)
        {
            var (b, s) = (Time(run.Bare), Time(run.Sampler));
            if (round < 0) continue;
            bare.Add(b / run.Steps);
            sampler.Add(s / run.Steps);
        }

        return (Median(bare), Median(sampler));
    }

    private static double Time(Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
