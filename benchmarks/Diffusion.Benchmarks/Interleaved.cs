using System.Diagnostics;
using System.Globalization;

namespace Diffusion.Benchmarks;

/// <summary>
/// Times several ways of doing the same thing in turn, A B C A B C …, so that whatever else the machine does meets all of them alike, and prints
/// medians and the ratio of the first to each. BenchmarkDotNet runs one after the other: its ratios drift with the machine.
/// </summary>
public static class Interleaved
{
    private const int WarmUps = 3;

    /// <summary>Runs, prints a line each, and returns the median milliseconds.</summary>
    /// <param name="title">What is done.</param>
    /// <param name="options">How often, on what device, and which case alone.</param>
    /// <param name="cases">The baseline first.</param>
    public static double[] Run(string title, BenchmarkOptions options, params IReadOnlyList<(string Name, Action Work)> cases)
    {
        if (options.Only is { } only) cases = [.. cases.Where(c => c.Name == only)];
        var (medians, ranges) = Times(options, [.. cases.Select(c => c.Work)]);
        for (var i = 0; i < cases.Count; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {title} | {cases[i].Name} | {medians[i]:f2} ms | {ranges[i].Least:f2} to {ranges[i].Most:f2} | {medians[0] / medians[i]:f2} |"));
        return medians;
    }

    /// <summary>The median milliseconds of each, without a word.</summary>
    public static double[] Measure(BenchmarkOptions options, IReadOnlyList<Action> works) => Times(options, works).Medians;

    public static void Header() => Console.WriteLine("| work | case | median | range | times as fast as the first |\n| --- | --- | --- | --- | --- |");

    private static (double[] Medians, (double Least, double Most)[] Ranges) Times(BenchmarkOptions options, IReadOnlyList<Action> works)
    {
        var times = works.Select(_ => new List<double>()).ToArray();
        for (var round = -WarmUps; round < options.Iterations; round++)
        {
            for (var i = 0; i < works.Count; i++)
            {
                using var scope = NewDisposeScope();
                options.Wait();
                var start = Stopwatch.GetTimestamp();
                works[i]();
                options.Wait();
                if (round >= 0) times[i].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return (Array.ConvertAll(times, Median), Array.ConvertAll(times, t => (t.Min(), t.Max())));
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }
}
