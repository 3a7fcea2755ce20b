namespace Diffusion.Training;

/// <summary>
/// The assignment of a batch's noise to its data whose summed squared distance is least, exact. The data and its conditions stay as they are; only the noise is permuted, so each end keeps its
/// distribution and nothing is drawn twice.
/// </summary>
/// <param name="inner">What is rearranged: independent noise if null; <see cref="Coupling.Paired"/> for two kinds of data.</param>
/// <remarks>O(batch³) on the host: about a millisecond for 64 samples, 40 for 256.</remarks>
public sealed class OptimalTransportCoupling(Coupling? inner = null) : TransportCoupling(inner)
{
    private protected override (long[]? Data, long[] Noise) Match(double[] cost, int count, NoiseSource noise)
    {
        // Samples that may be exchanged form groups (classes), which are solved one by one.
        var order = new long[count];
        Array.Fill(order, -1);
        for (var i = 0; i < count; i++)
        {
            if (order[i] >= 0) continue;
            int[] group = [.. Enumerable.Range(0, count).Where(j => double.IsFinite(cost[i * count + j]))];
            Solve(cost, count, group, order);
        }

        return (null, order);
    }

    private static void Solve(double[] cost, int count, int[] group, long[] order)
    {
        var block = new double[group.Length * group.Length];
        for (var a = 0; a < group.Length; a++)
            for (var b = 0; b < group.Length; b++) block[a * group.Length + b] = cost[group[a] * count + group[b]];
        var columns = LinearAssignment.Solve(block, group.Length, group.Length);
        for (var a = 0; a < group.Length; a++) order[group[a]] = group[columns[a]];
    }
}
