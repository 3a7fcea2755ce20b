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
        var times = cases.Select(_ => new List<double>()).ToArray();
        for (var round = -WarmUps; round < options.Iterations; round++)
        {
            for (var i = 0; i < cases.Count; i++)
            {
                using var scope = NewDisposeScope();
                options.Wait();
                var start = Stopwatch.GetTimestamp();
                cases[i].Work();
                options.Wait();
                if (round >= 0) times[i].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        var medians = Array.ConvertAll(times, Median);
        for (var i = 0; i < cases.Count; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {title} | {cases[i].Name} | {medians[i]:f2} ms | {times[i].Min():f2} to {times[i].Max():f2} | {medians[0] / medians[i]:f2} |"));
        return medians;
    }

    public static void Header() => Console.WriteLine("| work | case | median | range | times as fast as the first |\n| --- | --- | --- | --- | --- |");

    private static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }
}
