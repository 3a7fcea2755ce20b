namespace Diffusion.Tests.Training;

/// <summary>Answers its input, and counts the samples whose class was dropped.</summary>
internal sealed class CountingNetwork(long nullClass) : DenoisingNetwork("Counting")
{
    public long Dropped { get; private set; }

    public long Kept { get; private set; }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        foreach (var label in input3!.ClassLabels!.data<long>())
            if (label == nullClass) Dropped++;
            else Kept++;
        return input1.alias();
    }
}
